"""Writes compound files ([MS-CFB], version 3): just enough for documents that tests are about. No stream is shorter than 4,096
bytes, so there is no mini stream; the entries of a storage hang in one chain."""

import struct
from collections.abc import Mapping
from itertools import pairwise

SECTOR, FREE, END, FAT, NONE = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
SHORTEST = 4096
Tree = Mapping[str, "bytes | Tree"]


class _Writer:
    def __init__(self) -> None:
        self.entries: list[bytearray] = []
        self.sectors: list[bytes] = []
        self.fat: list[int] = []

    def lay(self, content: bytes) -> int:
        """The content's sectors, chained; where they begin."""
        content += bytes(-len(content) % SECTOR)
        first, count = len(self.sectors), len(content) // SECTOR
        self.sectors += [content[at : at + SECTOR] for at in range(0, len(content), SECTOR)]
        self.fat += [*range(first + 1, first + count), END]
        return first

    def add(self, name: str, kind: int, content: "bytes | Tree", clsid: bytes) -> int:
        number = len(self.entries)
        packed = name.encode("utf-16-le") + b"\0\0"
        entry = bytearray(128)
        entry[: len(packed)] = packed
        struct.pack_into("<HBBIII", entry, 64, len(packed), kind, 1, NONE, NONE, NONE)
        entry[80:96] = clsid
        struct.pack_into("<I", entry, 116, END)
        self.entries.append(entry)
        if isinstance(content, bytes):
            padded = content + bytes(max(0, SHORTEST - len(content)))
            struct.pack_into("<IQ", entry, 116, self.lay(padded), len(padded))
        elif content:
            struct.pack_into("<I", entry, 76, self.hang(content))
        return number

    def hang(self, tree: Tree) -> int:
        names = sorted(tree, key=lambda name: (len(name), name.upper()))
        numbers = [
            self.add(name, 2 if isinstance(tree[name], bytes) else 1, tree[name], bytes(16)) for name in names
        ]
        for left, right in pairwise(numbers):
            struct.pack_into("<I", self.entries[left], 72, right)
        return numbers[0]


def write_compound(tree: Tree, clsid: bytes = bytes(16)) -> bytes:
    """A compound file with these storages and streams."""
    writer = _Writer()
    writer.add("Root Entry", 5, tree, clsid)
    directory = writer.lay(b"".join(writer.entries) + _blank() * (-len(writer.entries) % 4))
    many = 1
    while many * 128 < len(writer.fat) + many:
        many += 1
    assert many <= 109, "so large a file needs a DIFAT"
    first_fat = len(writer.sectors)
    fat = [*writer.fat, *[FAT] * many]
    fat += [FREE] * (many * 128 - len(fat))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6,
        0, many, directory, 0, SHORTEST, END, 0, END, 0, 0,
    )[:76]  # fmt: skip
    difat = [*range(first_fat, first_fat + many), *[FREE] * (109 - many)]
    return b"".join(
        [header, struct.pack("<109I", *difat), *writer.sectors, struct.pack(f"<{len(fat)}I", *fat)]
    )


def _blank() -> bytes:
    entry = bytearray(128)
    struct.pack_into("<III", entry, 68, NONE, NONE, NONE)
    return bytes(entry)

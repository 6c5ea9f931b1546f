"""Where in a HEIF file (ISO/IEC 14496-12 boxes) the items lie that describe the picture: EXIF, XMP and other texts."""

import struct
from collections.abc import Iterator, Mapping

EXIF = b"Exif"
DESCRIBING = frozenset({EXIF, b"mime", b"uri "})
OUTER = frozenset({b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide"})
"""A still picture has no more; a film or a maker's own box may tell anything."""
FULL_BOX = 4  # version and flags


def find_described(data: bytes) -> list[tuple[bool, int, int]]:
    """Start and size of every stretch of such items, and whether it is EXIF.

    Raises KeyError, ValueError or struct.error for what is not built so.
    """
    outer = list(_boxes(data, 0, len(data)))
    if not {name for name, _ in outer} <= OUTER:
        raise ValueError("more than a picture")
    meta = dict(outer)[b"meta"]
    parts = dict(_boxes(data, meta[0] + FULL_BOX, meta[1]))
    if b"iinf" not in parts or b"iloc" not in parts:
        raise ValueError("no items")
    wanted = {number: kind == EXIF for number, kind in _items(data, *parts[b"iinf"]) if kind in DESCRIBING}
    inside = parts.get(b"idat")
    return list(_places(data, parts[b"iloc"][0], inside, wanted))


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Each box's name, and where its content begins and ends."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = at + size if size else end
        if stop > end or stop < start:
            raise ValueError("a box that does not fit")
        yield name, (start, stop)
        at = stop


def _items(data: bytes, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """The number and kind of every item that `iinf` lists."""
    wide = data[start] > 0
    for name, (at, _) in _boxes(data, start + FULL_BOX + (4 if wide else 2), stop):
        version = data[at]
        if name != b"infe" or version < 2:
            raise ValueError("an item of an unknown kind")
        number, skipped = (2, 2) if version == 2 else (4, 2)
        yield (
            int.from_bytes(data[at + FULL_BOX : at + FULL_BOX + number]),
            data[at + FULL_BOX + number + skipped : at + FULL_BOX + number + skipped + 4],
        )


def _places(
    data: bytes, at: int, inside: tuple[int, int] | None, wanted: Mapping[int, bool]
) -> Iterator[tuple[bool, int, int]]:
    """The stretches of these items, as `iloc` lists them."""
    version, widths, index_widths = data[at], data[at + 4], data[at + 5]
    offset_w, length_w, base_w = widths >> 4, widths & 15, index_widths >> 4
    index_w = index_widths & 15 if version in (1, 2) else 0
    number_w = 4 if version == 2 else 2
    at += 6

    def take(width: int) -> int:
        nonlocal at
        if at + width > len(data):
            raise ValueError("a table that does not fit")
        at += width
        return int.from_bytes(data[at - width : at])

    for _ in range(take(number_w)):
        number = take(number_w)
        method = take(2) & 15 if version in (1, 2) else 0
        take(2)  # the file it lies in: this one
        base = take(base_w)
        for _ in range(take(2)):
            take(index_w)
            start = base + take(offset_w)
            size = take(length_w)
            if number not in wanted:
                continue
            if method == 1 and inside is not None:
                start += inside[0]
            elif method != 0:
                raise ValueError("a text made of others")
            yield wanted[number], start, size

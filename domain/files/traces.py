"""What a picture tells besides what is seen: where and when it was taken, by which camera, its maker's notes, the film behind a
moving picture. Taken out of a copy without touching a pixel; the stored file stays as it came.

JPEG: CIPA DC-008 and ITU-T T.81; PNG: its third edition; WebP: its container specification; HEIF: ISO/IEC 23008-12; TIFF 6.0.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from domain.files.boxes import find_described
from domain.files.types import BMP, HEIC, JPG, PNG, TIF, WEBP, FileType


class NotFollowed(Exception):
    """The file is not built as its format says: nobody can tell what would stay in it."""


def without_traces(data: bytes, kind: FileType) -> bytes | None:
    """The same picture, telling nothing but what is seen; None where that cannot be had without decoding it."""
    try:
        return CLEANERS[kind](data)
    except (NotFollowed, struct.error, IndexError, KeyError, ValueError, RecursionError):
        return None


# JPEG: segments up to the picture's end; how the camera was held is the one thing that is told again.

SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
ICC, ADOBE = b"ICC_PROFILE\0", b"Adobe\0"


def _clean_jpeg(data: bytes) -> bytes:
    if data[:2] != b"\xff\xd8":
        raise NotFollowed
    kept, at, turn = [b"\xff\xd8"], 2, 1
    while True:
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        marker, start = data[at + 1], at
        if data[at] != 0xFF:
            raise NotFollowed
        if marker == 0xD9:
            return b"".join([kept[0], _tell_turn(turn), *kept[1:], b"\xff\xd9"])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
        segment = data[start:at]
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            turn = _read_turn(segment[10:]) or turn
        if marker == 0xDA:
            found = SCAN_END.search(data, at)
            if found is None:
                raise NotFollowed
            at = found.start()
            kept.append(data[start:at])
        elif _is_of_the_picture(marker, segment):
            kept.append(segment)


def _is_of_the_picture(marker: int, segment: bytes) -> bool:
    if marker == 0xE0:
        return segment[4:9] == b"JFIF\0"
    if marker == 0xE2:
        return segment[4:].startswith(ICC)
    if marker == 0xEE:
        return segment[4:].startswith(ADOBE[:5])
    return not (0xE1 <= marker <= 0xEF or marker == 0xFE)


def _tell_turn(turn: int) -> bytes:
    if turn == 1:
        return b""
    exif = b"Exif\0\0" + _turned_tiff(turn)
    return b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif


def _turned_tiff(turn: int) -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)


def _read_turn(tiff: bytes) -> int:
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        for at in _entries(tiff, first, order):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at)
            if tag == 0x0112 and 1 <= value <= 8:
                return value
    except (KeyError, struct.error):
        return 1  # EXIF that nobody can read turns nothing
    return 1


def _entries(tiff: bytes, directory: int, order: str) -> Iterator[int]:
    (count,) = struct.unpack_from(f"{order}H", tiff, directory)
    yield from range(directory + 2, directory + 2 + 12 * count, 12)


# PNG: chunks; the critical ones and those that change what is seen stay.

SEEN = frozenset(
    {
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"sBIT",
        b"bKGD",
        b"pHYs",
        b"cICP",
        b"acTL",
        b"fcTL",
        b"fdAT",
    }
)


def _clean_png(data: bytes) -> bytes:
    kept, at = [data[:8]], 8
    while True:
        (size,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            raise NotFollowed
        if name[:1].isupper() or name in SEEN:
            kept.append(data[at:end])
        elif name == b"eXIf" and (turn := _read_turn(data[at + 8 : end - 4])) != 1:
            body = b"eXIf" + _turned_tiff(turn)
            kept.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
        if name == b"IEND":
            return b"".join(kept)
        at = end


# WebP: chunks of a RIFF file, and bits of VP8X that say which of them there are.

EXIF_BIT, XMP_BIT = 0x08, 0x04
WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})


def _clean_webp(data: bytes) -> bytes:
    kept, at, end = list[bytes](), 12, int.from_bytes(data[4:8], "little") + 8
    turn = 1
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise NotFollowed
    while at + 8 <= end:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + size + size % 2]
        if at + 8 + size > len(data):
            raise NotFollowed
        if name == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~(EXIF_BIT | XMP_BIT)]) + chunk[9:]
        if name == b"EXIF":
            turn = _read_turn(chunk[8:].removeprefix(b"Exif\0\0"))
        if name in WEBP_CHUNKS:
            kept.append(chunk)
        at += 8 + size + size % 2
    if turn != 1:
        raise NotFollowed  # few readers turn a WebP: what is shown upright is the JPEG
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


# HEIF: what describes the picture lies in items of its own; their bytes are overwritten where they stand, by an EXIF that says
# nothing and by blanks.

NOTHING_SAID = bytes(4) + b"MM\0*\0\0\0\x08" + bytes(6)


def _clean_heic(data: bytes) -> bytes:
    cleaned = bytearray(data)
    for is_exif, start, size in find_described(data):
        if start + size > len(data):
            raise NotFollowed
        cleaned[start : start + size] = NOTHING_SAID[:size].ljust(size, b"\0") if is_exif else b" " * size
    return bytes(cleaned)


# TIFF: entries of each page's directory; what they point at is overwritten.

TRACES = frozenset(
    {
        270,
        271,
        272,
        285,
        305,
        306,
        315,
        316,
        700,
        33432,
        33723,
        34377,
        34665,
        34853,
        37500,
        37510,
        40965,
        42112,
    }
)
"""ImageDescription, Make, Model, PageName, Software, DateTime, Artist, HostComputer, XMP, Copyright, IPTC, Photoshop, EXIF, GPS,
MakerNote, UserComment, Interoperability, GDAL's metadata."""
DIRECTORIES = frozenset({34665, 34853, 40965})
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
MOST_DIRECTORIES = 2000


def _clean_tiff(data: bytes) -> bytes:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        raise NotFollowed
    cleaned, seen = bytearray(data), set[int]()
    (directory,) = struct.unpack_from(f"{order}I", data, 4)
    while directory:
        if directory in seen or len(seen) > MOST_DIRECTORIES:
            raise NotFollowed
        seen.add(directory)
        entries = list(_entries(data, directory, order))
        _clean_directory(data, cleaned, entries, order)
        (directory,) = struct.unpack_from(f"{order}I", data, entries[-1] + 12 if entries else directory + 2)
    return bytes(cleaned)


def _clean_directory(data: bytes, cleaned: bytearray, entries: list[int], order: str) -> None:
    kept: list[bytes] = []
    for at in entries:
        (tag,) = struct.unpack_from(f"{order}H", data, at)
        if tag in TRACES:
            _wipe(data, cleaned, at, order)
        else:
            kept.append(data[at : at + 12])
    if len(kept) == len(entries):
        return
    start = entries[0]
    (follows,) = struct.unpack_from(f"{order}I", data, entries[-1] + 12)
    packed = b"".join(kept) + struct.pack(f"{order}I", follows)
    cleaned[start : start + 12 * len(entries) + 4] = packed + bytes(12 * (len(entries) - len(kept)))
    struct.pack_into(f"{order}H", cleaned, start - 2, len(kept))


def _wipe(data: bytes, cleaned: bytearray, at: int, order: str) -> None:
    tag, kind, count, where = struct.unpack_from(f"{order}HHII", data, at)
    if tag in DIRECTORIES:
        inside = list(_entries(data, where, order))
        for one in inside:
            _wipe(data, cleaned, one, order)
        size = 2 + 12 * len(inside)
    else:
        size = WIDTHS.get(kind, 1) * count
        if size <= 4:
            return
    if where + size > len(data):
        raise NotFollowed
    cleaned[where : where + size] = bytes(size)


def _as_it_is(data: bytes) -> bytes:
    return data


CLEANERS: dict[FileType, Callable[[bytes], bytes]] = {
    JPG: _clean_jpeg,
    PNG: _clean_png,
    WEBP: _clean_webp,
    HEIC: _clean_heic,
    TIF: _clean_tiff,
    BMP: _as_it_is,
}

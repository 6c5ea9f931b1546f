"""Old Office and WPS documents: compound files ([MS-CFB]) with Word ([MS-DOC]), Excel ([MS-XLS]) or PowerPoint ([MS-PPT]) inside.

olefile reads the container; what says macro, password or embedded file are the few rules below, kept here since oletools, which
has many more, brings a decompiler under the GPL and parsers that nobody has looked after since 2019 (ADR 35).
"""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import olefile

from domain.files.budget import Budget
from domain.files.programs import is_program
from domain.files.types import DOC, PPT, WPS_TWINS, XLS, FileType
from domain.files.unfit import BROKEN, EMBEDDED, LOCKED, MACROS, PROGRAM, Unfit

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_STREAMS = 5000
DOCUMENTS = {"worddocument": DOC, "workbook": XLS, "book": XLS, "powerpoint document": PPT}
OTHERS = {
    "__properties_version1.0": "Outlook 邮件（msg）",
    "visiodocument": "Visio 图",
    "matost": "Works 文档",
    "quill": "Publisher 文档",
    "bodytext": "HWP 文档",
    "catalog": "缩略图数据库",
}
INSTALLER = "000C1084-0000-0000-C000-000000000046"

Judge = Callable[[bytes, Budget], None]


def recognise_compound(data: bytes, extension: str) -> tuple[FileType | None, str]:
    """The document in this container and, where there is none we take, a word for what is. Raises Unfit when it is locked."""
    with _open(data) as container:
        names = {
            _last(path): path for path in container.listdir(streams=True, storages=True) if len(path) == 1
        }
        if "encryptedpackage" in names or "\x06dataspaces" in names:
            raise Unfit(LOCKED)
        for name, kind in DOCUMENTS.items():
            if name in names:
                twin = WPS_TWINS[kind]
                return (twin if extension == twin.extension else kind), ""
        if container.root is not None and container.root.clsid == INSTALLER:
            return None, "安装程序（msi）"
        return None, next((word for name, word in OTHERS.items() if name in names), "Office 的其他格式")


def judge_compound(data: bytes, budget: Budget, judge_package: Judge) -> None:
    """Raises Unfit for macros, passwords, embedded files and programs, at any depth."""
    with _open(data) as container:
        for path in container.listdir(streams=True, storages=True):
            _judge_name(path)
        for path in container.listdir():
            budget.take(container.get_size(path))
            content = container.openstream(path).read()
            if is_program(content):
                raise Unfit(PROGRAM)
            _judge_stream(_last(path), content, budget, judge_package)


def _open(data: bytes) -> "olefile.OleFileIO[Any]":
    try:
        container = olefile.OleFileIO(io.BytesIO(data))
        if len(container.listdir()) > MOST_STREAMS:
            raise Unfit(BROKEN)
    except (OSError, ValueError, IndexError, struct.error, RecursionError) as error:
        raise Unfit(BROKEN) from error
    return container


def _last(path: list[str]) -> str:
    return path[-1].lower()


def _judge_name(path: list[str]) -> None:
    parts = [part.lower() for part in path]
    if parts[-1] in ("_vba_project", "_vba_project_cur") or parts[-2:] == ["vba", "dir"]:
        raise Unfit(MACROS)
    if parts[-1] in ("encryptedpackage", "\x06dataspaces", "encryptedsummary"):
        raise Unfit(LOCKED)


def _judge_stream(name: str, content: bytes, budget: Budget, judge_package: Judge) -> None:
    if name == "worddocument":
        _judge_word(content)
    elif name in ("workbook", "book"):
        _judge_excel(content)
    elif name == "powerpoint document":
        _judge_powerpoint(content, budget, judge_package)
    elif name == "current user" and content[12:16] == b"\xdf\xc4\xd1\xf3":
        raise Unfit(LOCKED)
    elif name == "\x01ole10native" and content[4:6] != b"BM":  # a bitmap pasted from Paint is no file
        raise Unfit(EMBEDDED)
    elif name == "package":  # a new document in an old one
        with budget.deeper():
            judge_package(content, budget)


def _judge_word(stream: bytes) -> None:
    if len(stream) < 32:
        raise Unfit(BROKEN)
    (version,), (flags,) = struct.unpack_from("<H", stream, 2), struct.unpack_from("<H", stream, 10)
    if flags & 0x0100:  # fEncrypted
        raise Unfit(LOCKED)
    if version < 0x00C1 and flags & 0x0001:  # a template of Word 6 or 95: the one place of its macros
        raise Unfit(MACROS)


BOF, EOF, FILEPASS, BOUNDSHEET, VBA_PROJECT = 0x0809, 0x000A, 0x002F, 0x0085, 0x00D3
MACRO_SHEETS = (0x01, 0x06)  # of a BOUNDSHEET: Excel 4 macros, a Visual Basic module
MACRO_STREAMS = (0x0040, 0x0006, 0x0100)  # of a BOF: the same, and an Excel 4 workspace


def _judge_excel(stream: bytes) -> None:
    sheets: list[int] = []
    for number, (kind, start, size) in enumerate(_records(stream)):
        if number == 0 and kind != BOF:
            raise Unfit(BROKEN)
        if kind == FILEPASS:
            raise Unfit(LOCKED)
        if kind == VBA_PROJECT:
            raise Unfit(MACROS)
        if kind == BOUNDSHEET and size >= 6:
            position, _, sheet_type = struct.unpack_from("<IBB", stream, start)
            if sheet_type in MACRO_SHEETS:
                raise Unfit(MACROS)
            sheets.append(position)
        if kind == EOF:
            break
    else:
        raise Unfit(BROKEN)
    for position in sheets:
        if position + 8 <= len(stream):
            kind, _, _, of = struct.unpack_from("<HHHH", stream, position)
            if kind == BOF and of in MACRO_STREAMS:
                raise Unfit(MACROS)


def _records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if at + 4 + size > len(stream):
            return
        yield kind, at + 4, size
        at += 4 + size


# Looked for wherever they stand: readers of the format go by a directory of offsets, which may lead anywhere.
OLE_OBJECT = re.compile(rb"[\x00\x10]\x00\x11\x10(?=....)", re.DOTALL)  # RT_ExternalOleObjectStg
HAS_MACROS = re.compile(rb"\x02\x00\x00\x04\x0c\x00\x00\x00....\x01", re.DOTALL)  # RT_VbaInfoAtom, fHasMacros


def _judge_powerpoint(stream: bytes, budget: Budget, judge_package: Judge) -> None:
    if HAS_MACROS.search(stream):
        raise Unfit(MACROS)
    for found in OLE_OBJECT.finditer(stream):
        start = found.end() + 4
        (size,) = struct.unpack_from("<I", stream, found.end())
        inside = stream[start : start + size]
        if found[0][0] == 0x10:
            inside = _inflate(inside[4:], budget)
        if inside.startswith(MAGIC):
            with budget.deeper():
                judge_compound(inside, budget, judge_package)


def _inflate(packed: bytes, budget: Budget) -> bytes:
    if packed[:1] != b"\x78":  # not zlib: the signature stood there by chance
        return b""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, budget.bytes_left + 1)
    except zlib.error:
        return b""
    budget.take(len(content))
    return content

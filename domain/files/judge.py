"""What a file is and whether it may come in: the one question that an upload asks, answered by content alone."""

import re
import struct
import zipfile
import zlib
from collections.abc import Collection

from domain.files import compound, package
from domain.files.budget import Budget
from domain.files.names import name_content
from domain.files.text import find_encoding
from domain.files.types import ALL_TYPES, BMP, HEIC, JPG, PDF, PNG, TIF, TXT, WEBP, FileType, tell_kinds
from domain.files.unfit import BROKEN, Unfit

TAIL = 4096
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
LIBRARIES_SAY = (
    OSError,
    ValueError,
    IndexError,
    KeyError,
    EOFError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and olefile raise for content that is not what it begins like."""
ADVICE = (
    ("压缩包", "请解压，把里面的文件单独上传。"),
    ("网页", "请用 Office 或 WPS 打开，另存为 docx 或 xlsx 再上传。"),
    ("RTF", "请另存为 docx 再上传。"),
    ("OpenDocument", "请另存为 docx、xlsx 或 pptx 再上传。"),
    ("XML", "请另存为 docx 或 xlsx 再上传。"),
    ("二进制", "请另存为 xlsx 再上传。"),
    ("Word 模板", "请另存为 docx 再上传。"),
    ("Excel 模板", "请另存为 xlsx 再上传。"),
    ("PPT 模板", "请另存为 pptx 再上传。"),
    ("GIF", "请另存为 png 再上传。"),
    ("AVIF", "请另存为 jpg 再上传。"),
    ("不完整", "请重新拍摄、保存或导出后再上传。"),
    ("Outlook", "请另存为 PDF 再上传。"),
    ("邮件", "请另存为 PDF 再上传。"),
)


def examine(data: bytes, extension: str, allowed: Collection[FileType] = ALL_TYPES) -> FileType:
    """The kind of a file that may come in under this extension (lower case, no dot). Raises Unfit with the reason."""
    try:
        kind, seems = recognise(data, extension)
        if kind is None or kind not in allowed:
            raise Unfit(_explain(kind.word if kind else seems, allowed))
        if not kind.may_be_called(extension):
            raise Unfit(f"的内容是{kind.word}（{kind.extension}），与扩展名不符。请改正扩展名再上传。")
        if kind.family == "compound":
            compound.judge_compound(data, Budget(), package.judge_package)
        elif kind.family == "package":
            package.judge_package(data, Budget())
    except LIBRARIES_SAY as error:
        raise Unfit(BROKEN) from error
    return kind


def recognise(data: bytes, extension: str = "") -> tuple[FileType | None, str]:
    """The allowed kind of this content or, where there is none, a word for what it seems to be. Raises Unfit."""
    if data.startswith(package.MAGIC):
        return package.recognise_package(data)
    if data.startswith(compound.MAGIC):
        return compound.recognise_compound(data, extension)
    if (kind := _by_signature(data)) is not None:
        return kind, ""
    is_text = find_encoding(data) is not None
    if is_text and extension == TXT.extension:  # whatever it is about: it is handed on as text
        return TXT, ""
    return None, name_content(data) or ("文本" if is_text else "")


def _by_signature(data: bytes) -> FileType | None:
    tail = data[-TAIL:]
    if data.startswith(b"\xff\xd8\xff"):
        return JPG if b"\xff\xd9" in tail else None
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG if data[12:16] == b"IHDR" and b"IEND" in tail else None
    if re.match(rb"%PDF-\d\.\d", data):
        return PDF if b"%%EOF" in tail else None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP if int.from_bytes(data[4:8], "little") + 8 <= len(data) else None
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        brands = data[16 : min(int.from_bytes(data[:4]), 256)]
        return HEIC if b"avif" not in brands else None
    if data[:4] in (b"II*\0", b"MM\0*"):
        return TIF
    if (
        data[:2] == b"BM"
        and data[6:10] == bytes(4)
        and int.from_bytes(data[14:18], "little") in (12, 40, 56, 108, 124)
    ):
        return BMP
    return None


def _explain(seems: str, allowed: Collection[FileType]) -> str:
    advice = next((words for start, words in ADVICE if seems.startswith(start)), "")
    inside = f"（像是{seems}）" if seems else ""
    return f"的内容不是可以上传的格式{inside}，只能上传{tell_kinds(allowed)}。{advice}"

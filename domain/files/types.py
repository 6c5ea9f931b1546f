"""The kinds of file that may come in: what each is called by people, which extensions it may have, what it is served as."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

Family = Literal["picture", "pdf", "compound", "package", "text"]
"""How content of this kind is judged and shown."""

OOXML = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True)
class FileType:
    """An allowed kind: the extension it is given, others it may come with, what people call it, what it is served as."""

    extension: str
    media_type: str
    word: str
    family: Family
    also: frozenset[str] = field(default_factory=frozenset[str])

    def may_be_called(self, extension: str) -> bool:
        """Whether a file of this kind may come with this extension (lower case, no dot; none at all is fine)."""
        return extension in ("", self.extension) or extension in self.also

    @property
    def is_shown(self) -> bool:
        """Whether we draw its pages."""
        return self.family in ("picture", "pdf")


PICTURES = frozenset({"jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "hif", "bmp"})
"""Programs and phones mix these up, and nobody is deceived by one called another."""

JPG = FileType("jpg", "image/jpeg", "图片", "picture", PICTURES)
PNG = FileType("png", "image/png", "图片", "picture", PICTURES)
WEBP = FileType("webp", "image/webp", "图片", "picture", PICTURES)
HEIC = FileType("heic", "image/heic", "图片", "picture", PICTURES)
BMP = FileType("bmp", "image/bmp", "图片", "picture", frozenset({"dib"}))
TIF = FileType("tif", "image/tiff", "图片", "picture", frozenset({"tiff"}))
PDF = FileType("pdf", "application/pdf", "PDF", "pdf")
OFD = FileType("ofd", "application/ofd", "OFD", "package")
DOC = FileType("doc", "application/msword", "Word", "compound")
XLS = FileType("xls", "application/vnd.ms-excel", "Excel", "compound")
PPT = FileType("ppt", "application/vnd.ms-powerpoint", "PPT", "compound")
WPS = FileType("wps", "application/wps-office.wps", "WPS 文字", "compound")
ET = FileType("et", "application/wps-office.et", "WPS 表格", "compound")
DPS = FileType("dps", "application/wps-office.dps", "WPS 演示", "compound")
DOCX = FileType("docx", f"{OOXML}.wordprocessingml.document", "Word", "package")
XLSX = FileType("xlsx", f"{OOXML}.spreadsheetml.sheet", "Excel", "package")
PPTX = FileType("pptx", f"{OOXML}.presentationml.presentation", "PPT", "package")
TXT = FileType("txt", "text/plain", "文本", "text")

PICTURE_TYPES = (JPG, PNG, WEBP, HEIC, TIF, BMP)
ALL_TYPES = (*PICTURE_TYPES, PDF, OFD, DOC, DOCX, XLS, XLSX, PPT, PPTX, WPS, ET, DPS, TXT)
BY_EXTENSION = {one.extension: one for one in ALL_TYPES}
BY_MEDIA_TYPE = {one.media_type: one for one in ALL_TYPES}
WPS_TWINS = {DOC: WPS, XLS: ET, PPT: DPS}
"""WPS Office keeps its own documents in the same three containers; only the name tells whose they are."""


def tell_kinds(allowed: Collection[FileType]) -> str:
    """Allowed kinds in words: 图片、PDF 或 Word; WPS Office's three are one."""
    wps = [one for one in allowed if one in WPS_TWINS.values()]
    words = list(dict.fromkeys("WPS 文档" if one in wps else one.word for one in allowed))
    *others, last = words
    return f"{'、'.join(others)}或{last}" if others else last

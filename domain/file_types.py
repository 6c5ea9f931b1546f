"""What a file really is, by its content: jpg, png, pdf, ofd, docx and xlsx are known, nothing else is.

puremagic names what was found instead; whether a zip is a document is decided by what it declares inside (ECMA-376 part 2
`[Content_Types].xml`; GB/T 33190-2016 `OFD.xml`). Only those small entries are unpacked, up to a limit.
"""

import io
import re
import zipfile
from dataclasses import dataclass

import puremagic

ENTRY_LIMIT = 1_000_000  # bytes of an entry that are unpacked at the most
MAX_ENTRIES = 5000

WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
SHEET = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
OFD_NAMESPACE = b"http://www.ofdspec.org/2016"


@dataclass(frozen=True)
class FileType:
    """An allowed type: the extension it is given, others it may come with, and what it is served as."""

    extension: str
    media_type: str
    also: frozenset[str] = frozenset()

    def may_be_called(self, extension: str) -> bool:
        """Whether a file of this type may come with this extension (lower case, no dot; none at all is fine)."""
        return extension in ("", self.extension) or extension in self.also


JPG = FileType("jpg", "image/jpeg", frozenset({"jpeg", "jpe", "jfif", "png"}))  # phones mix the two up
PNG = FileType("png", "image/png", frozenset({"jpg", "jpeg"}))
PDF = FileType("pdf", "application/pdf")
OFD = FileType("ofd", "application/ofd")
DOCX = FileType("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
XLSX = FileType("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
ALL_TYPES = (JPG, PNG, PDF, OFD, DOCX, XLSX)


def recognise(data: bytes) -> FileType | None:
    """The allowed type of this content, or None."""
    if data.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in data[-4096:]:
        return JPG
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and b"IEND" in data[-4096:]:
        return PNG
    if re.match(rb"%PDF-\d\.\d", data) and b"%%EOF" in data[-4096:]:
        return PDF
    if data.startswith(b"PK\x03\x04"):
        return _recognise_package(data)
    return None


def describe(data: bytes) -> str:
    """What content that was not recognised seems to be, for the refusal; empty when nobody knows."""
    try:
        guesses = puremagic.magic_string(data)
    except (puremagic.PureError, ValueError):
        return ""
    return guesses[0].extension.lstrip(".") if guesses else ""


def _recognise_package(data: bytes) -> FileType | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = package.namelist()
            if len(names) > MAX_ENTRIES or any(name.lower().endswith("vbaproject.bin") for name in names):
                return None
            if "OFD.xml" in names:
                return OFD if OFD_NAMESPACE in _read(package, "OFD.xml") else None
            if "[Content_Types].xml" not in names:
                return None
            declared = _read(package, "[Content_Types].xml")
            if WORD in declared and "word/document.xml" in names:
                return DOCX
            return XLSX if SHEET in declared and "xl/workbook.xml" in names else None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return None  # broken or encrypted


def _read(package: zipfile.ZipFile, name: str) -> bytes:
    with package.open(name) as entry:
        return entry.read(ENTRY_LIMIT)

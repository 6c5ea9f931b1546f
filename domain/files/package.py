"""Zip packages: new Office documents (ECMA-376 part 2, `[Content_Types].xml`) and OFD (GB/T 33190-2016, `OFD.xml`); every other
zip is an archive. Entries are unpacked against a budget, never by what they say of themselves.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from domain.files.budget import Budget
from domain.files.compound import MAGIC as COMPOUND
from domain.files.compound import judge_compound
from domain.files.programs import HEAD, is_program
from domain.files.types import DOCX, OFD, PPTX, XLSX, FileType
from domain.files.unfit import BROKEN, EMBEDDED, LOCKED, MACROS, OUTSIDE, PROGRAM, TOO_MUCH, Unfit

MAGIC = b"PK\x03\x04"
MOST_ENTRIES = 10_000
MOST_UNPACKED = 1024 * 1024 * 1024
"""What all entries may say they unpack to. We unpack far less; whoever opens the document unpacks it all."""
ENTRY_LIMIT = 16 * 1024 * 1024
"""Bytes of one entry that we unpack to read it."""

MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
DOCUMENTS = {
    MAIN.format("wordprocessingml.document"): DOCX,
    MAIN.format("spreadsheetml.sheet"): XLSX,
    MAIN.format("presentationml.presentation"): PPTX,
    MAIN.format("presentationml.slideshow"): PPTX,
}
PARTS = {DOCX: "word/document.xml", XLSX: "xl/workbook.xml", PPTX: "ppt/presentation.xml"}
MACRO_TYPES = re.compile(r"macroenabled|vbaproject|macrosheet|vbadata", re.IGNORECASE)
BINARY_SHEET = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
OFD_NAMESPACE = b"http://www.ofdspec.org/2016"
OTHERS = (
    ("AndroidManifest.xml", "程序（apk）"),
    ("META-INF/MANIFEST.MF", "程序（jar）"),
    ("META-INF/container.xml", "电子书（epub）"),
    ("META-INF/manifest.xml", "OpenDocument 文档"),
    ("Index/Document.iwa", "苹果 iWork 文档"),
    ("FixedDocumentSequence.fdseq", "XPS 文档"),
    ("xl/workbook.bin", "二进制 Excel（xlsb）"),
    ("visio/document.xml", "Visio 图"),
    ("word/document.xml", "Word 模板或残缺的 Word"),
    ("xl/workbook.xml", "Excel 模板或残缺的 Excel"),
    ("ppt/presentation.xml", "PPT 模板或残缺的 PPT"),
)
ARCHIVE = "压缩包"
CONTENT_TYPES = "[Content_Types].xml"
LOADED_FROM_OUTSIDE = ("attachedtemplate", "oleobject", "package", "frame", "subdocument", "control")


def recognise_package(data: bytes) -> tuple[FileType | None, str]:
    """The document in this zip or, where there is none we take, a word for what it is. Raises Unfit for macros and passwords."""
    with _open(data) as package:
        names = set(package.namelist())
        if "OFD.xml" in names:
            return (OFD, "") if OFD_NAMESPACE in _read(package, "OFD.xml", Budget()) else (None, ARCHIVE)
        if CONTENT_TYPES in names:
            types = _types(package, Budget())
            if _has_macros(types):
                raise Unfit(MACROS)
            for declared, kind in DOCUMENTS.items():
                if declared in types and PARTS[kind] in names:
                    return kind, ""
        return None, next((word for name, word in OTHERS if name in names), ARCHIVE)


def judge_package(data: bytes, budget: Budget) -> None:
    """Raises Unfit for macros, embedded files and programs, and what is loaded from elsewhere, at any depth."""
    with _open(data) as package:
        if CONTENT_TYPES in package.namelist() and _has_macros(_types(package, budget)):
            raise Unfit(MACROS)
        for entry in package.infolist():
            _judge_entry(package, entry, budget)


def _judge_entry(package: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> None:
    name = entry.filename.lower().replace("\\", "/")
    if name.endswith("vbaproject.bin") or "/macrosheets/" in name:
        raise Unfit(MACROS)
    if name.endswith(".rels"):
        for one in _elements(package, entry, budget):
            _judge_relationship(one)
    elif "/externallinks/" in name and name.endswith(".xml"):
        if any(one.tag.endswith("}ddeLink") for one in _elements(package, entry, budget)):
            raise Unfit(OUTSIDE)
    elif "/embeddings/" in f"/{name}" and not entry.is_dir():
        _judge_embedded(_read(package, entry.filename, budget), budget)
    elif not name.endswith(".xml"):
        with package.open(entry) as content:
            start = content.read(HEAD)
        budget.take(len(start))
        if is_program(start):
            raise Unfit(PROGRAM)


def _judge_embedded(content: bytes, budget: Budget) -> None:
    with budget.deeper():
        if content.startswith(COMPOUND):
            judge_compound(content, budget, judge_package)
        elif content.startswith(MAGIC) and _is_document(content):
            judge_package(content, budget)
        else:
            raise Unfit(PROGRAM if is_program(content) else EMBEDDED)


def _is_document(content: bytes) -> bool:
    """Whatever Office puts into a document: its own kinds, drawings of Visio, binary sheets."""
    with _open(content) as package:
        return CONTENT_TYPES in package.namelist()


def _has_macros(types: set[str]) -> bool:
    """A binary sheet is declared as one that may have macros, whether it has any or not."""
    return any(MACRO_TYPES.search(one) for one in types if one != BINARY_SHEET)


def _judge_relationship(one: Element) -> None:
    if one.get("TargetMode", "").lower() != "external":
        return
    if one.get("Type", "").rpartition("/")[2].lower() in LOADED_FROM_OUTSIDE:
        raise Unfit(OUTSIDE)


def _open(data: bytes) -> zipfile.ZipFile:
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
        raise Unfit(BROKEN) from error
    entries = package.infolist()
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Unfit(TOO_MUCH)
    if CONTENT_TYPES in package.namelist():
        if any(entry.flag_bits & 1 for entry in entries):
            raise Unfit(LOCKED)
        if len({entry.filename.lower() for entry in entries}) < len(
            entries
        ):  # readers differ in which one counts
            raise Unfit(BROKEN)
    return package


def _types(package: zipfile.ZipFile, budget: Budget) -> set[str]:
    root = _parse(_read(package, CONTENT_TYPES, budget))
    return {one.get("ContentType", "") for one in root}


def _elements(package: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Iterator[Element]:
    return _parse(_read(package, entry.filename, budget)).iter()


def _parse(content: bytes) -> Element:
    try:
        return fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise Unfit(BROKEN) from error


def _read(package: zipfile.ZipFile, name: str, budget: Budget) -> bytes:
    try:
        with package.open(name) as entry:
            content = entry.read(ENTRY_LIMIT + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise Unfit(BROKEN) from error
    if len(content) > ENTRY_LIMIT:
        raise Unfit(TOO_MUCH)
    budget.take(len(content))
    return content

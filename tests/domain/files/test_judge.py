"""What may come in: known by content, whatever it is called; macros, passwords and embedded files found wherever they lie."""

import contextlib
import io
import tarfile
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.files.judge import examine, recognise
from domain.files.names import SIGNATURES, name_content
from domain.files.package import BINARY_SHEET
from domain.files.text import find_encoding
from domain.files.types import ALL_TYPES, BY_EXTENSION, PDF, PICTURE_TYPES, PICTURES, TXT
from domain.files.unfit import BROKEN, EMBEDDED, LOCKED, MACROS, OUTSIDE, PROGRAM, TOO_MUCH, Unfit
from tests.domain.files.compound_writer import write_compound
from tests.domain.files.samples import (
    MACROS as VBA,
)
from tests.domain.files.samples import (
    PE,
    content_types,
    doc,
    docx,
    excel_stream,
    native,
    ofd,
    packed,
    pdf,
    picture,
    ppt,
    pptx,
    record,
    relations,
    slide_object,
    slide_record,
    word_stream,
    xls,
    xlsx,
)

GOOD: dict[str, Any] = {
    "jpg": lambda: picture("JPEG"),
    "png": lambda: picture("PNG"),
    "webp": lambda: picture("WEBP"),
    "heic": lambda: picture("HEIF"),
    "tif": lambda: picture("TIFF"),
    "bmp": lambda: picture("BMP"),
    "pdf": pdf,
    "ofd": ofd,
    "doc": doc,
    "xls": xls,
    "ppt": ppt,
    "wps": doc,
    "et": xls,
    "dps": ppt,
    "docx": docx,
    "xlsx": xlsx,
    "pptx": pptx,
    "txt": lambda: "箱单：共 3 箱\r\n".encode("gb18030"),
}


def refused(data: bytes, extension: str = "") -> str:
    with pytest.raises(Unfit) as caught:
        examine(data, extension)
    return caught.value.reason


def test_there_is_a_sample_of_every_kind() -> None:
    assert set(GOOD) == {one.extension for one in ALL_TYPES}


@pytest.mark.parametrize("extension", GOOD)
def test_each_kind_is_known_by_its_content(extension: str) -> None:
    data = GOOD[extension]()
    assert examine(data, extension) is BY_EXTENSION[extension]
    for other in ("exe", "html", "ofd" if extension != "ofd" else "pdf"):
        assert "与扩展名不符" in refused(data, other) or extension == "txt"


def test_whose_document_it_is_stands_in_its_name_only() -> None:
    assert examine(doc(), "").extension == "doc"
    assert examine(xls(), "et").media_type == "application/wps-office.et"
    assert "与扩展名不符" in refused(xls(), "wps")


def test_pictures_under_each_others_names_come_in() -> None:
    for extension in ("jpg", "png", "webp", "heic"):
        for name in PICTURES - {"bmp"}:
            assert examine(GOOD[extension](), name).extension == extension


@pytest.mark.parametrize(
    "text",
    [
        "只是文字".encode(),
        "\ufeff带标记".encode(),
        "两字节".encode("utf-16"),
        "国标".encode("gb18030"),
        b"a,b\r\n1,2\r\n\x1a",
    ],
)
def test_text_comes_in_under_its_own_name_only(text: bytes) -> None:
    assert examine(text, "txt") is TXT
    assert "像是文本" in refused(text, "pdf")
    assert "像是文本" in refused(text)


@pytest.mark.parametrize(
    "data", [bytes(50), b"\x00\x01\x02", b"ab\x00cd", b"\xff\xfe\x00\xd8", b"\x1b[31mred"]
)
def test_what_is_no_text_does_not_come_in_as_one(data: bytes) -> None:
    refused(data, "txt")


SEEMS = {
    "压缩包": packed({"a.txt": b"plain zip"}),
    "压缩包（rar）": b"Rar!\x1a\x07\x01\x00" + bytes(50),
    "压缩包（7z）": b"7z\xbc\xaf\x27\x1c" + bytes(50),
    "程序": PE,
    "程序（jar）": packed({"META-INF/MANIFEST.MF": b"Main-Class: A"}),
    "程序（apk）": packed({"AndroidManifest.xml": b"", "META-INF/MANIFEST.MF": b""}),
    "安装程序（msi）": write_compound({"x": b"y"}, bytes.fromhex("84100c0000000000c000000000000046")),
    "网页": b"<html><script>alert(1)</script></html>",
    "网页（mht）": b"MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\r\nContent-Type: text/html",
    "SVG 图形": b"<?xml version='1.0'?><!-- x --><svg xmlns='http://www.w3.org/2000/svg'/>",
    "GIF 图片": b"GIF89a" + bytes(50),
    "AVIF 图片": b"\x00\x00\x00\x1cftypavif" + bytes(50),
    "视频": b"\x00\x00\x00\x18ftypmp42" + bytes(50),
    "录音": b"#!AMR\n" + bytes(50),
    "RTF 文档": b"{\\rtf1\\ansi hello}",
    "OpenDocument 文档": packed(
        {"mimetype": b"application/vnd.oasis.opendocument.text", "META-INF/manifest.xml": b""}
    ),
    "二进制 Excel（xlsb）": packed(
        {"[Content_Types].xml": content_types(BINARY_SHEET), "xl/workbook.bin": b""}
    ),
    "Word 模板或残缺的 Word": packed({"[Content_Types].xml": content_types("x"), "word/document.xml": b""}),
    "Outlook 邮件（msg）": write_compound({"__properties_version1.0": b""}),
    "邮件": b"Received: from mail.example.cn\r\nSubject: x\r\n",
    "XML 表格": b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>",
    "Office 的其他格式": write_compound({"Contents": b""}),
    "不完整的 PDF": pdf()[:100],
    "不完整的图片": picture("JPEG")[:500],
    "CAD 图纸（dwg）": b"AC1032" + bytes(50),
}


@pytest.mark.parametrize("word", SEEMS)
def test_what_may_not_come_in_is_named(word: str) -> None:
    is_text = find_encoding(SEEMS[word]) is not None
    for extension in ("", "pdf", "docx", *(() if is_text else ("txt",))):
        reason = refused(SEEMS[word], extension)
        assert f"（像是{word}）" in reason
        assert "只能上传图片、PDF、OFD、Word、Excel、PPT、WPS 文档或文本。" in reason


def test_a_zip_is_told_to_be_unpacked_and_no_kind_is_named_in_another_language() -> None:
    assert refused(SEEMS["压缩包"]).endswith("请解压，把里面的文件单独上传。")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    assert name_content(buffer.getvalue()) == "压缩包（tar）"
    words = [word for _, _, word in SIGNATURES] + [one.word for one in ALL_TYPES]
    assert all(
        any(letter >= "\u4e00" for letter in word) or word in {"PDF", "OFD", "Word", "Excel", "PPT"}
        for word in words
    )


def test_a_licence_is_a_picture_or_a_pdf() -> None:
    with pytest.raises(Unfit, match="像是Word），只能上传图片或PDF"):
        examine(docx(), "docx", (*PICTURE_TYPES, PDF))


VISIO = packed({"[Content_Types].xml": content_types("x"), "visio/document.xml": b""})
XLSB = packed({"[Content_Types].xml": content_types(BINARY_SHEET), "xl/workbook.bin": b""})
NOTHING_BAD = {
    "an Excel table in Word": doc(ObjectPool={"_1": {"Workbook": excel_stream()}}),
    "a new document in an old one": doc(ObjectPool={"_1": {"Package": docx()}}),
    "a bitmap from Paint": doc(ObjectPool={"_1": {"\x01Ole10Native": b"\x00\x10\0\0BM" + bytes(4096)}}),
    "an empty storage for macros": doc(Macros={"PROJECT": b"x"}),
    "a table on a slide": ppt(slide_object(xls()), slide_object(doc(), packed=False)),
    "a new document in a new one": docx({"word/embeddings/a.xlsx": xlsx()}),
    "an old document in a new one": docx({"word/embeddings/oleObject1.bin": xls()}),
    "a drawing of Visio": docx({"word/embeddings/a.vsdx": VISIO}),
    "a binary sheet": pptx({"ppt/embeddings/a.xlsb": XLSB}),
    "links to pages": docx({"word/_rels/document.xml.rels": relations("hyperlink", "https://example.cn")}),
    "another workbook's figures": xlsx(
        {"xl/externalLinks/_rels/externalLink1.xml.rels": relations("externalLinkPath", "b.xlsx")}
    ),
    "a template of its own": docx(
        {"word/_rels/settings.xml.rels": relations("attachedTemplate", "a.dotx", external=False)}
    ),
    "a picture that begins with MZ": docx({"word/media/a.bin": b"MZ" + bytes(100)}),
}


@pytest.mark.parametrize("what", NOTHING_BAD)
def test_what_documents_usually_hold_is_let_in(what: str) -> None:
    examine(NOTHING_BAD[what], "")


BAD = {
    "Word macros": (doc(Macros=VBA), MACROS),
    "Word macros in an embedded document": (doc(ObjectPool={"_1": {"Macros": VBA}}), MACROS),
    "Word 95 template": (write_compound({"WordDocument": word_stream(1, 0x0068)}), MACROS),
    "Excel macros": (xls(_VBA_PROJECT_CUR=VBA), MACROS),
    "Excel project record": (xls(record(0x00D3)), MACROS),
    "Excel 4 macro sheet": (write_compound({"Workbook": excel_stream(sheet_type=1)}), MACROS),
    "Excel 5 module": (write_compound({"Book": excel_stream(sheet_type=6)}), MACROS),
    "Excel 4 macros in a sheet that says it is none": (
        write_compound({"Workbook": excel_stream(substream=0x40)}),
        MACROS,
    ),
    "slides that say they have macros": (
        ppt(slide_record(0x0400, b"\x01\0\0\0\x01\0\0\0\x02\0\0\0", head=2)),
        MACROS,
    ),
    "macros on a slide": (ppt(slide_object(write_compound(VBA))), MACROS),
    "macros on a slide, not packed": (ppt(slide_object(write_compound(VBA), packed=False)), MACROS),
    "macros three deep": (
        ppt(slide_object(doc(P={"Package": docx({"word/embeddings/x.bin": doc(Macros=VBA)})}))),
        MACROS,
    ),
    "docm": (
        packed(
            {"[Content_Types].xml": content_types("application/vnd.ms-word.document.macroEnabled.main+xml")}
        ),
        MACROS,
    ),
    "docx with a project": (docx({"word/vbaProject.bin": b"x"}), MACROS),
    "docx with a project of another name": (
        docx({"word/a.bin": b"x"}, "application/vnd.ms-office.vbaProject"),
        MACROS,
    ),
    "xlsx with Excel 4 macros": (xlsx({"xl/macrosheets/sheet1.xml": b"<x/>"}), MACROS),
    "types in UTF-16": (
        packed(
            {
                "[Content_Types].xml": content_types(
                    "application/vnd.ms-office.vbaProject", encoding="utf-16"
                ),
                "word/document.xml": b"<w/>",
            }
        ),
        MACROS,
    ),
    "Word password": (write_compound({"WordDocument": word_stream(0x0100)}), LOCKED),
    "Excel password": (xls(record(0x002F, bytes(54))), LOCKED),
    "slides with a password": (ppt(EncryptedSummary=b"x"), LOCKED),
    "slides with a password, by their user": (
        write_compound({"PowerPoint Document": b"x", "Current User": bytes(12) + b"\xdf\xc4\xd1\xf3"}),
        LOCKED,
    ),
    "a new document with a password": (
        write_compound({"EncryptedPackage": b"x", "EncryptionInfo": b"y"}),
        LOCKED,
    ),
    "rights management": (
        write_compound({"\x06DataSpaces": {"Version": b"x"}, "WordDocument": word_stream()}),
        LOCKED,
    ),
    "a file in Word": (doc(ObjectPool={"_1": {"\x01Ole10Native": native(b"hello")}}), EMBEDDED),
    "a file in docx": (
        docx({"word/embeddings/oleObject1.bin": write_compound({"\x01Ole10Native": native(b"x")})}),
        EMBEDDED,
    ),
    "macros in a binary sheet": (
        pptx(
            {
                "ppt/embeddings/a.xlsb": packed(
                    {"[Content_Types].xml": content_types(BINARY_SHEET), "xl/vbaProject.bin": b""}
                )
            }
        ),
        MACROS,
    ),
    "an archive in docx": (docx({"word/embeddings/a.zip": packed({"a": b"b"})}), EMBEDDED),
    "a script in docx": (docx({"word/embeddings/a.js": b"alert(1)"}), EMBEDDED),
    "a program in Word": (doc(x=PE), PROGRAM),
    "a program in docx": (docx({"word/embeddings/a.exe": PE}), PROGRAM),
    "a program beside pictures": (pptx({"ppt/media/image1.png": PE}), PROGRAM),
    "a program in OFD": (packed({"OFD.xml": b"http://www.ofdspec.org/2016", "Res/a": PE}), PROGRAM),
    "a template from elsewhere": (
        docx({"word/_rels/settings.xml.rels": relations("attachedTemplate", "http://x/a.dotm")}),
        OUTSIDE,
    ),
    "an object from elsewhere": (
        docx({"word/_rels/document.xml.rels": relations("oleObject", "http://x/a.hta")}),
        OUTSIDE,
    ),
    "a command in a workbook": (
        xlsx({"xl/externalLinks/externalLink1.xml": b"<a xmlns='urn:x'><ddeLink ddeService='cmd'/></a>"}),
        OUTSIDE,
    ),
    "half a document": (docx()[:-30], BROKEN),
    "half an old document": (doc()[:1024], BROKEN),
    "a workbook without a beginning": (write_compound({"Workbook": bytes(4096)}), BROKEN),
    "two entries of one name": (docx({"WORD/document.xml": b"<other/>"}), BROKEN),
    "types that are no XML": (packed({"[Content_Types].xml": b"<Types", "word/document.xml": b""}), BROKEN),
    "entities": (
        packed(
            {
                "[Content_Types].xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><Types>&a;</Types>",
                "word/document.xml": b"",
            }
        ),
        BROKEN,
    ),
    "a bomb": (docx({"word/_rels/document.xml.rels": bytes(40_000_000)}), TOO_MUCH),
}


@pytest.mark.parametrize("what", BAD)
def test_what_may_do_harm_is_refused_with_the_reason(what: str) -> None:
    data, reason = BAD[what]
    assert refused(data) == reason


def test_documents_in_documents_end_somewhere() -> None:
    data = docx()
    for _ in range(6):
        data = docx({"word/embeddings/a.docx": data})
    assert refused(data) == TOO_MUCH


def test_a_zip_that_says_too_much_of_itself_is_not_unpacked() -> None:
    buffer = io.BytesIO(docx({f"word/{number}.xml": b"x" for number in range(10_001)}))
    assert refused(buffer.getvalue()) == TOO_MUCH
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as package:
        assert package.testzip() is None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([one for one in GOOD if one not in ("heic", "txt")]), st.data())
def test_no_damage_makes_judging_raise_anything_else(extension: str, data: st.DataObject) -> None:
    content = bytearray(GOOD[extension]())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        with contextlib.suppress(Unfit):
            assert examine(damaged, "") in ALL_TYPES


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    kind, seems = recognise(data[:200])
    assert kind is None or kind in ALL_TYPES
    assert isinstance(seems, str)

"""Files as enterprises have them, made here: pictures of phones, documents of Office and WPS, old and new, good and bad."""

import io
import struct
import zipfile
import zlib
from hashlib import md5
from typing import Any

from PIL import Image

from tests.domain.files.compound_writer import write_compound

MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
WORD, SHEET, SLIDES = (
    MAIN.format(one)
    for one in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
)
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(200)
RED, BLUE = (200, 30, 30), (30, 30, 200)


# Pictures


def two_colours(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Red above, blue below: one sees which way up it is."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (0, size[1] // 2, *size))
    return picture


def exif(turn: int = 1) -> bytes:
    """What a phone writes: how it was held, its name, and where it was."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x0110] = turn, "Apple", "iPhone 15"
    place = tags.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (31.0, 17.0, 55.5), "E", (120.0, 35.0, 7.25)
    return tags.tobytes()


def picture(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """A picture in this format of Pillow's."""
    buffer = io.BytesIO()
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    (image or two_colours()).save(buffer, kind, **options)
    return buffer.getvalue()


def huge_png(width: int = 20_000, height: int = 20_000) -> bytes:
    """A few bytes that say they are 400 megapixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


# Old documents


def word_stream(flags: int = 0, version: int = 0x00C1) -> bytes:
    return struct.pack("<HHHHHH", 0xA5EC, version, 0, 0x0804, 0, flags) + bytes(4096)


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def excel_stream(*more: bytes, sheet_type: int = 0, substream: int = 0x0010) -> bytes:
    """A workbook of one sheet; `more` are records of its globals."""
    head = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + b"".join(more)
    name = b"\x06\0Sheet1"
    position = len(head) + 4 + 6 + len(name) + 4
    sheet = record(0x0085, struct.pack("<IBB", position, 0, sheet_type) + name)
    return (
        head
        + sheet
        + record(0x000A)
        + record(0x0809, struct.pack("<HHHHII", 0x0600, substream, 0, 0, 0, 0))
        + record(0x000A)
    )


def slide_record(kind: int, body: bytes, *, head: int = 0) -> bytes:
    return struct.pack("<HHI", head, kind, len(body)) + body


def slide_stream(*inside: bytes) -> bytes:
    return slide_record(0x03E8, b"".join(inside), head=0x0F)


def slide_object(content: bytes, *, packed: bool = True) -> bytes:
    """A document in a slide."""
    body = struct.pack("<I", len(content)) + zlib.compress(content) if packed else content
    return slide_record(0x1011, body, head=0x10 if packed else 0)


CURRENT_USER = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, 0xE391C05F)
MACROS = {
    "VBA": {"dir": b"\x01" * 40, "_VBA_PROJECT": b"\xcc\x61", "ThisDocument": b"Attribute VB_Name"},
    "PROJECT": b'ID="{0}"',
}


def doc(**more: Any) -> bytes:
    """A Word document without anything bad, and `more` streams and storages."""
    return write_compound(
        {"WordDocument": word_stream(), "1Table": b"table", "\x05SummaryInformation": b"summary", **more}
    )


def xls(*records: bytes, **more: Any) -> bytes:
    return write_compound({"Workbook": excel_stream(*records), "\x05SummaryInformation": b"summary", **more})


def ppt(*inside: bytes, **more: Any) -> bytes:
    return write_compound(
        {"PowerPoint Document": slide_stream(*inside), "Current User": CURRENT_USER, **more}
    )


def native(content: bytes, name: bytes = b"a.txt") -> bytes:
    """An object packaged into a document (`\\x01Ole10Native`)."""
    body = (
        struct.pack("<H", 2)
        + name
        + b"\0"
        + name
        + b"\0"
        + struct.pack("<IH", 0, 3)
        + struct.pack("<I", len(content))
        + content
    )
    return struct.pack("<I", len(body)) + body


# New documents


def packed(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in entries.items():
            package.writestr(name, content)
    return buffer.getvalue()


def content_types(*declared: str, encoding: str = "utf-8") -> bytes:
    overrides = "".join(f'<Override PartName="/p{n}" ContentType="{one}"/>' for n, one in enumerate(declared))
    types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{overrides}</Types>'
    return f'<?xml version="1.0" encoding="{encoding}"?>{types}'.encode(encoding)


def relations(kind: str, target: str, *, external: bool = True) -> bytes:
    mode = ' TargetMode="External"' if external else ""
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{RELATION}{kind}" Target="{target}"{mode}/></Relationships>'
    ).encode()


def docx(more: dict[str, bytes] | None = None, *declared: str) -> bytes:
    """A new Word document, with more entries and declared content types."""
    return packed(
        {"[Content_Types].xml": content_types(WORD, *declared), "word/document.xml": b"<w/>", **(more or {})}
    )


def xlsx(more: dict[str, bytes] | None = None, *declared: str) -> bytes:
    return packed(
        {"[Content_Types].xml": content_types(SHEET, *declared), "xl/workbook.xml": b"<w/>", **(more or {})}
    )


def pptx(more: dict[str, bytes] | None = None, *declared: str) -> bytes:
    return packed(
        {
            "[Content_Types].xml": content_types(SLIDES, *declared),
            "ppt/presentation.xml": b"<p/>",
            **(more or {}),
        }
    )


def ofd() -> bytes:
    return packed({"OFD.xml": b"<ofd:OFD xmlns:ofd='http://www.ofdspec.org/2016'/>"})


# PDF

PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def pdf(pages: int = 1, *, script: str = "", password: str = "") -> bytes:
    """A4 pages with a black square each; `script` runs on opening where scripts run; a password locks it (RC4, 40 bits)."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(pages))
    opening = f"/OpenAction << /S /JavaScript /JS ({script}) >>" if script else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {opening} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        _encryption(password) if password else "<< >>",
    ]
    for number in range(pages):
        square = "0 0 0 rg 100 600 200 200 re f"
        contents = f"/Contents {5 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> {contents} >>")
        objects.append(f"<< /Length {len(square)} >>\nstream\n{square}\nendstream")
    out, starts = b"%PDF-1.7\n", list[int]()
    for number, one in enumerate(objects, 1):
        starts.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    table = "".join(f"{start:010} 00000 n \n" for start in starts)
    lock = f"/Encrypt 3 0 R /ID [<{'00' * 16}> <{'00' * 16}>]" if password else ""
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {lock} >>\n"
    return out + f"{end}startxref\n{len(out)}\n%%EOF\n".encode()


def _encryption(password: str) -> str:
    """ISO 32000-1, 7.6.3: revision 2, the owner's password being the user's."""
    padded = (password.encode() + PADDING)[:32]
    owner = _rc4(md5(padded).digest()[:5], padded)
    key = md5(padded + owner + struct.pack("<i", -4) + bytes(16)).digest()[:5]
    return f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{owner.hex()}> /U <{_rc4(key, PADDING).hex()}> >>"


def _rc4(key: bytes, data: bytes) -> bytes:
    box, other = list(range(256)), 0
    for at in range(256):
        other = (other + box[at] + key[at % len(key)]) % 256
        box[at], box[other] = box[other], box[at]
    out, at, other = bytearray(), 0, 0
    for byte in data:
        at = (at + 1) % 256
        other = (other + box[at]) % 256
        box[at], box[other] = box[other], box[at]
        out.append(byte ^ box[(box[at] + box[other]) % 256])
    return bytes(out)

"""What content that may not come in seems to be, in a word people know, so that a refusal can say it."""

import re

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"Rar!\x1a\x07", "压缩包（rar）"),
    (0, b"7z\xbc\xaf\x27\x1c", "压缩包（7z）"),
    (0, b"\x1f\x8b", "压缩包（gz）"),
    (0, b"BZh", "压缩包（bz2）"),
    (0, b"\xfd7zXZ\x00", "压缩包（xz）"),
    (0, b"\x28\xb5\x2f\xfd", "压缩包（zst）"),
    (0, b"MSCF", "压缩包（cab）"),
    (257, b"ustar", "压缩包（tar）"),
    (0x8001, b"CD001", "光盘映像（iso）"),
    (0, b"MZ", "程序"),
    (0, b"\x7fELF", "程序"),
    (0, b"\xca\xfe\xba\xbe", "程序"),
    (0, b"\xcf\xfa\xed\xfe", "程序"),
    (0, b"\xce\xfa\xed\xfe", "程序"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "快捷方式"),
    (0, b"GIF8", "GIF 图片"),
    (0, b"8BPS", "Photoshop 图片"),
    (0, b"\x00\x00\x01\x00", "图标"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL 图片"),
    (0, b"\xff\x0a", "JPEG XL 图片"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000 图片"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF 图片"),
    (40, b" EMF", "EMF 图片"),
    (0, b"AC10", "CAD 图纸（dwg）"),
    (0, b"HAP", "CAJ 文献"),
    (0, b"CAJ", "CAJ 文献"),
    (0, b"ID3", "录音"),
    (0, b"#!AMR", "录音"),
    (0, b"#!", "脚本"),
    (0, b"fLaC", "录音"),
    (0, b"\x02#!SILK", "录音"),
    (0, b"OggS", "录音或视频"),
    (0, b"\x1aE\xdf\xa3", "视频"),
    (0, b"FLV\x01", "视频"),
    (0, b"\x00\x00\x01\xba", "视频"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "视频"),
    (0, b"SQLite format 3\x00", "数据库"),
    (0, b"\x00\x01\x00\x00Standard Jet DB", "数据库（mdb）"),
    (0, b"\x00\x01\x00\x00Standard ACE DB", "数据库（accdb）"),
    (0, b"!BDN", "Outlook 数据"),
    (0, b"{\\rtf", "RTF 文档"),
    (0, b"%!PS", "PostScript 文档"),
    (0, b"OTTO", "字体"),
    (0, b"\x00\x01\x00\x00\x00", "字体"),
    (0, b"wOF", "字体"),
    (0, b"%PDF-", "不完整的 PDF"),
    (0, b"\xff\xd8\xff", "不完整的图片"),
    (0, b"\x89PNG", "不完整的图片"),
)
RIFF = {b"WAVE": "录音", b"AVI ": "视频", b"WEBP": "不完整的图片"}
BRANDS = {
    b"avif": "AVIF 图片",
    b"avis": "AVIF 图片",
    b"qt  ": "视频",
    b"M4A ": "录音",
    b"crx ": "相机原始图片",
}
PICTURE_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"msf1", b"hevc"})
MAIL = re.compile(rb"(?:Received|Return-Path|From|Date|MIME-Version|Message-ID|X-[\w-]+):\s", re.IGNORECASE)
MARKUP = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE\s+)*<?([\w:.-]+)", re.DOTALL)
ELEMENTS = {
    b"html": "网页",
    b"head": "网页",
    b"body": "网页",
    b"table": "网页",
    b"div": "网页",
    b"meta": "网页",
    b"script": "网页",
    b"svg": "SVG 图形",
    b"workbook": "XML 表格",
    b"w:worddocument": "XML 文档",
    b"pkg:package": "XML 文档",
}


def name_content(data: bytes) -> str:
    """The word for this content; empty when we know none. Zips and compound files are named by what judges them."""
    for start, signature, word in SIGNATURES:
        if data.startswith(signature, start):
            return word
    if data[:4] == b"RIFF":
        return RIFF.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return BRANDS.get(brand, "不完整的图片" if brand in PICTURE_BRANDS else "视频")
    if data[:1] == b"\xff" and data[1:2] in (b"\xfb", b"\xf3", b"\xf2", b"\xf1", b"\xf9"):
        return "录音"
    return _name_text(data[:65536])


def _name_text(start: bytes) -> str:
    head = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<") and (found := MARKUP.match(head)):
        return ELEMENTS.get(found[1].lower(), "XML 数据" if head.startswith(b"<?xml") else "网页")
    if MAIL.match(head):
        mixed = b"multipart/related" in head and b"text/html" in head
        return "网页（mht）" if mixed else "邮件"
    return ""

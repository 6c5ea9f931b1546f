"""Plain text: which bytes are one, since it has no signature."""

import codecs
import re

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f\ufffe\uffff]")
"""Control characters that no editor writes; tab, line ends, page feed and DOS's end of file are text."""


def find_encoding(data: bytes) -> str | None:
    """How this text is encoded (UTF-8, UTF-16 with its mark, GB 18030); None when it is no text."""
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if NO_TEXT.search(text) else encoding
    return None

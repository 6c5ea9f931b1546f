"""The HTML of a mail, made from its text: paragraphs, links to our own pages and one button. Nothing is loaded from anywhere."""

import re
from dataclasses import dataclass
from html import escape

PAGE = """<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="margin:0;padding:24px;background:#f5f6f8;font-family:'PingFang SC','Microsoft YaHei',sans-serif;color:#1d2129">
<div style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:4px;font-size:16px;line-height:1.75">
{content}
</div>
</body>
</html>
"""
PARAGRAPH = '<p style="margin:0 0 16px;overflow-wrap:anywhere">{content}</p>'
LINK = '<a href="{url}" style="color:#0b57a4">{url}</a>'
BUTTON = (
    '<p style="margin:24px 0 8px"><a href="{url}" style="display:inline-block;padding:10px 24px;border-radius:4px;'
    'background:#0b57a4;color:#ffffff;text-decoration:none">{label}</a></p>'
)


@dataclass(frozen=True)
class Button:
    """The page that the mail is about."""

    label: str
    url: str


def write_html(text: str, origin: str, button: Button | None = None) -> str:
    """A whole HTML page. Addresses below `origin` become links, all others stay text. Raises ValueError for a foreign button."""
    own = re.compile(re.escape(origin) + r"(?:/[A-Za-z0-9/._~!$*+,;=:@%?&#-]*)?(?![A-Za-z0-9.:@-])", re.ASCII)
    paragraphs = [part for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()) if part]
    parts = [PARAGRAPH.format(content=_link(part, own)) for part in paragraphs]
    if button is not None:
        if not own.fullmatch(button.url):
            raise ValueError("a button leads to our own pages only")
        parts.append(BUTTON.format(url=escape(button.url), label=escape(button.label)))
    return PAGE.format(content="\n".join(parts))


def _link(paragraph: str, own: re.Pattern[str]) -> str:
    """Escaped piece by piece, so that no text can become markup."""
    pieces: list[str] = []
    end = 0
    for found in own.finditer(paragraph):
        url = found[0].rstrip(".,;:!?")
        pieces += [_text(paragraph[end : found.start()]), LINK.format(url=escape(url))]
        end = found.start() + len(url)
    return "".join([*pieces, _text(paragraph[end:])])


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")

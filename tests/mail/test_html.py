"""The HTML of a mail: our own links and nothing that the text could smuggle in."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.html import Button, write_html

ORIGIN = "https://qingling.example.cn"


class Reader(HTMLParser):
    """What a mail program sees: tags, links, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.shown = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.shown += data


def test_paragraphs_and_lines_stay() -> None:
    html = write_html("您好：\n\n第一行\n第二行", ORIGIN)
    assert html.count("<p ") == 2
    assert "第一行<br>\n第二行" in html


def test_our_own_address_becomes_a_link_and_others_do_not() -> None:
    text = f"请打开 {ORIGIN}/issues/7?a=1&b=2。或 https://evil.example/x ，http://qingling.example.cn/"
    reader = Reader(write_html(text, ORIGIN))
    assert reader.links == [f"{ORIGIN}/issues/7?a=1&b=2"]
    assert reader.shown.strip() == text


@pytest.mark.parametrize(
    "url",
    [
        "https://qingling.example.cn.evil.example/",
        "https://qingling.example.cn@evil.example/",
        "https://qingling.example.cn:8443/",
        "https://qingling.example.cnx/",
        "https://qingling.example.cn-evil.example/",
    ],
)
def test_an_address_that_only_begins_like_ours_is_no_link(url: str) -> None:
    assert Reader(write_html(f"见 {url}", ORIGIN)).links == []
    with pytest.raises(ValueError, match="our own pages"):
        write_html("", ORIGIN, Button("打开", url))


def test_a_full_stop_after_a_link_does_not_belong_to_it() -> None:
    assert Reader(write_html(f"See {ORIGIN}/w.", ORIGIN)).links == [f"{ORIGIN}/w"]
    assert Reader(write_html(ORIGIN, ORIGIN)).links == [ORIGIN]


def test_the_button_leads_to_the_page() -> None:
    reader = Reader(write_html("有结果", ORIGIN, Button("查看 <结果>", f"{ORIGIN}/issues/7?a=1&b=2")))
    assert reader.links == [f"{ORIGIN}/issues/7?a=1&b=2"]
    assert "查看 <结果>" in reader.shown


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://evil.example/", f'{ORIGIN}/"><script>', "/issues/7"]
)
def test_a_button_to_anywhere_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="our own pages"):
        write_html("x", ORIGIN, Button("打开", url))


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("<>\"'&/:=\n abhrefscript" + ORIGIN)), st.text())
def test_no_text_becomes_markup(text: str, label: str) -> None:
    reader = Reader(write_html(text, ORIGIN, Button(label, f"{ORIGIN}/w")))
    assert reader.tags <= {"html", "head", "meta", "body", "div", "p", "br", "a"}
    assert reader.attributes <= {"lang", "charset", "name", "content", "style", "href"}
    assert all(link == ORIGIN or link.startswith(f"{ORIGIN}/") for link in reader.links)

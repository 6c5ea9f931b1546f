"""What people paste: every kind of input, cleaned; and what must survive it."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cleaning import (
    clean_address,
    clean_code,
    clean_identifier,
    clean_line,
    clean_name,
    clean_text,
    clean_words,
    drop_turning,
    is_blank,
    is_plain,
)

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NO_WIDTH = "\u00ad\u034f\u200b\u200c\u200d\u2060\u2061\u2064\u3164\ufe0f\ufeff\U000e0041\U000e0100"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2500\u2796\u30fc\ufe58\ufe63\uff0d"
BLANKS = " \t\n\v\f\u0085\u00a0\u2002\u2009\u2028\u2029\u202f\u205f\u2800\u3000"
EMOJI = [
    "👨‍👩‍👧‍👦", "👩🏽‍💻", "🏳️‍🌈", "🏳️‍⚧️", "🏴‍☠️", "❤️‍🔥", "🙂‍↔️", "👁️‍🗨️", "🧑🏻‍❤️‍💋‍🧑🏿", "☎️", "1️⃣", "🇨🇳", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
]  # fmt: skip

letters = st.sampled_from(
    "aZ09·税𠮷张é´e\u0301İi\u0307ﬁ①²" + BIDI + NO_WIDTH + DASHES + BLANKS + "👨👩❤🏴🇨\U0001f3fd"
)
anything = st.text() | st.text(letters, max_size=30)
# What Unicode gives to Han beyond the basic plane: assigned today or not, compatibility ideographs too.
later_han = st.characters(min_codepoint=0x20000, max_codepoint=0x3FFFD)


def is_invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Cc", "Zs", "Zl", "Zp", "Pd") or char in NO_WIDTH


@pytest.mark.parametrize(
    "clean", [clean_identifier, clean_code, clean_line, clean_name, clean_text, clean_words]
)
@given(text=anything)
@example("e\u200b\u0301")
@example("İ")
@example("™\ufe0f\u0301")
@example("👨\u200b\u200d👩")
def test_cleaning_twice_changes_nothing_more(clean: object, text: str) -> None:
    assert callable(clean)
    once = clean(text)
    assert clean(once) == once


@given(text=anything)
def test_nothing_that_cannot_be_seen_is_left_in_an_identifier(text: str) -> None:
    for kept in (clean_identifier(text), clean_code(text)):
        assert not [char for char in kept if is_invisible(char)]
        assert unicodedata.is_normalized("NFKC", kept)
    assert not re.search("[a-z]", clean_code(text))


@given(text=anything)
def test_no_text_turns_the_direction_of_writing(text: str) -> None:
    for clean in (clean_line, clean_name, clean_text, clean_words, clean_address, drop_turning):
        assert not set(clean(text)) & set(BIDI)


@given(code=st.from_regex(r"[0-9A-Z]{1,20}", fullmatch=True), data=st.data())
def test_whatever_stands_between_its_characters_the_identifier_is_the_same(
    code: str, data: st.DataObject
) -> None:
    hidden = st.text(st.sampled_from(BIDI + NO_WIDTH + DASHES + BLANKS), max_size=3)
    wide = st.booleans()
    pasted = "".join(
        data.draw(hidden) + (chr(ord(char) + 0xFEE0) if data.draw(wide) else char) for char in code
    ) + data.draw(hidden)
    assert clean_identifier(pasted) == code
    assert clean_code(pasted.lower()) == code


@given(name=st.text(later_han | st.sampled_from("张王·测试"), min_size=1, max_size=20))
def test_every_han_character_and_the_middle_dot_survive(name: str) -> None:
    for clean in (clean_line, clean_name, clean_text):
        assert clean(f"\u202d{name}\u202c\u200b") == name + ("\u200b" if clean is clean_text else "")
    assert is_plain(name)


@pytest.mark.parametrize("emoji", EMOJI)
def test_emoji_survive_in_names_titles_and_texts(emoji: str) -> None:
    for clean in (clean_line, clean_name, clean_text):
        assert clean(f"通关{emoji}顺利") == f"通关{emoji}顺利"
        assert clean(f"{emoji}{emoji}") == f"{emoji}{emoji}"
    assert is_plain(emoji)


@given(name=st.text(letters, max_size=30))
def test_what_joins_and_shapes_stays_only_where_it_does(name: str) -> None:
    kept = clean_line(name)
    assert not set("\u200b\u200c\u2060\ufeff\u3164\u034f\U000e0041") & set(kept)
    assert "a\u200d" not in kept and not kept.startswith("\u200d") and not kept.endswith("\u200d")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("葛\U000e0100飾区", "葛\U000e0100飾区"),  # a variant of a Han character is how somebody is called
        ("\u202d张\u200b三\u202c", "张三"),
        ("阿里木\u200b·\u200c买买提", "阿里木·买买提"),
        ("㐱\ufeff", "㐱"),
        ("invoice\u202excod.exe", "invoicexcod.exe"),
        ("  报关\u3000单 \t号 ", "报关 单 号"),
        ("\u2800\u3164", ""),
        ("x\U000e0068\U000e0069", "x"),  # tags spell words that nobody sees
    ],
)
def test_names(raw: str, kept: str) -> None:
    assert clean_name(raw) == kept


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("第一行\r\n第二行\v第三行\u2028第四行", "第一行\n第二行\n第三行\n第四行"),
        ("税率 \u202e%31\u202c", "税率 %31"),
        ("保留\u200d\u200b零宽", "保留\u200d\u200b零宽"),
        ("  两端 空白\u3000\n", "两端 空白"),
        ("\u202d\u200b \u202c", ""),
    ],
)
def test_long_texts(raw: str, kept: str) -> None:
    assert clean_text(raw) == kept


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("ｑｌ２３０１", "ql2301"),
        ("\u202dQL\u200b2301\u202c", "QL2301"),
        ("归类　 查验\u2028", "归类 查验"),
        ("\u200b", ""),
    ],
)
def test_words_to_search_for(raw: str, kept: str) -> None:
    assert clean_words(raw) == kept


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("\u200bzhang‐san＠example.cn\u202c", "zhang-san@example.cn"),
        ("a b@example.cn", "a b@example.cn"),  # which address is meant is not for us to guess
        ("０１０－６５１９ ５１１４", "010-6519 5114"),
        ("−５", "-5"),
        ("2026–03—02", "2026-03-02"),
    ],
)
def test_addresses_and_numbers_in_which_a_dash_means_something(raw: str, kept: str) -> None:
    assert clean_address(raw) == kept


@pytest.mark.parametrize("line", ["a\x00", "a\x1b", "\ud83d", "\ue000", "\u0378", "a\u2029"])
def test_what_no_reader_is_shown_alike(line: str) -> None:
    assert not is_plain(line)


@given(text=anything)
def test_what_is_blank_is_what_a_line_makes_empty(text: str) -> None:
    assert is_blank(text) == (clean_line(text) == "")

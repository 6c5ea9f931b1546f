"""Texts are rendered strictly: a mistake in texts.yaml is an error, never a brace in somebody's SMS."""

import pytest

from messages.exceptions import TextBroken
from messages.texts import Text, find_mistakes, load_texts, render


def test_placeholders_are_filled_in_title_and_text() -> None:
    texts = load_texts("answered: {title: '答复 {number}', text: '{number}“{title}”{{已}}办结'}")
    assert render(texts, "answered", {"number": "QL1", "title": "甲{乙}"}) == Text(
        "答复 QL1", "QL1“甲{乙}”{已}办结", channels=("wechat", "mail")
    )


@pytest.mark.parametrize(
    "text",
    ["{unknown}", "{number.__class__}", "{number[0]}", "{0}", "{}", "{number!r}", "{number:>9}", "{number"],
)
def test_anything_but_a_known_bare_name_is_an_error(text: str) -> None:
    texts = {"one": Text("", text)}
    with pytest.raises(TextBroken):
        render(texts, "one", {"number": "QL1"})
    [(template, _)] = find_mistakes(texts, {"number"})
    assert template == "one"


def test_an_unknown_template_is_an_error() -> None:
    with pytest.raises(TextBroken, match="nowhere"):
        render({}, "nowhere", {})


@pytest.mark.parametrize("source", ["- a", "a: b", "a: {title: x}", "a: {text: 1}", "a: [", "text"])
def test_a_file_of_another_shape_is_an_error(source: str) -> None:
    with pytest.raises(TextBroken):
        load_texts(source)


def test_an_empty_file_has_no_texts() -> None:
    assert load_texts("# nothing yet\n") == {}


def test_channels_topic_and_the_words_of_an_sms_are_read() -> None:
    source = "one: {topic: work, channels: [mail, sms], title: 题, text: '{number}', sms: ' 短 '}"
    texts = load_texts(source)
    assert texts["one"] == Text("题", "{number}", ("mail", "sms"), "短", "work")
    assert find_mistakes(texts, {"number"}) == []
    assert render(texts, "one", {"number": "QL1"}) == Text("题", "QL1", ("mail", "sms"), "短", "work")


def test_left_out_channels_are_all_that_can() -> None:
    assert load_texts("a: {text: 文}")["a"].channels == ("wechat", "sms", "mail")
    assert load_texts("a: {text: '{number}'}")["a"].channels == ("wechat", "mail")
    assert load_texts("a: {text: '{number}', sms: 短}")["a"].channels == ("wechat", "sms", "mail")
    assert load_texts("a: {text: 文, channels: []}")["a"].channels == ()


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("channels: [telegram]", "channels"),
        ("channels: sms", "channels"),
        ("channels: [sms, sms]", "重复"),
        ("topic: gossip", "topic"),
        ("sms: 1", "sms"),
        ("sms: ''", "sms"),
        ("colour: red", "colour"),
    ],
)
def test_an_unknown_channel_topic_or_key_is_an_error(entry: str, word: str) -> None:
    with pytest.raises(TextBroken, match=word):
        load_texts(f"a: {{text: 文, {entry}}}")


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("text: '{number}', channels: [sms]", "不带占位符的 sms"),
        ("text: '{number}', sms: '{number}'", "不能有占位符"),
        ("text: 文, sms: '{'", "花括号"),
    ],
)
def test_an_sms_with_placeholders_is_a_mistake(entry: str, word: str) -> None:
    [(template, sentence)] = find_mistakes(load_texts(f"a: {{{entry}}}"), {"number"})
    assert template == "a"
    assert word in sentence


def test_a_text_may_keep_to_office_hours() -> None:
    texts = load_texts("late: {title: 逾期, text: 已逾期, hours: office}\nsoon: {title: 临近, text: 临近}")
    assert [render(texts, name, {}).in_office_hours for name in ("late", "soon")] == [True, False]
    with pytest.raises(TextBroken, match="hours 只能是 office"):
        load_texts("late: {title: 逾期, text: 已逾期, hours: 09:00-17:00}")

"""Texts are rendered strictly: a mistake in texts.yaml is an error, never a brace in somebody's SMS."""

import pytest

from messages.exceptions import TextBroken
from messages.texts import Text, find_mistakes, load_texts, render


def test_placeholders_are_filled_in_title_and_text() -> None:
    texts = load_texts("answered: {title: '答复 {number}', text: '{number}“{title}”{{已}}办结'}")
    assert render(texts, "answered", {"number": "QL1", "title": "甲{乙}"}) == Text(
        "答复 QL1", "QL1“甲{乙}”{已}办结"
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

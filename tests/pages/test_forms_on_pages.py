"""What a page posts becomes answers; what it draws follows them."""

from typing import Any

import pytest
from starlette.datastructures import FormData

from api.pages.work import drop_unreachable, read_answers, shape, type_answers
from tasks.fields import Field, FormContext, fields

FORM: dict[str, Any] = {
    "type": "default",
    "components": [
        {
            "type": "radio",
            "key": "rating",
            "label": "评价",
            "values": [{"label": "完全解决", "value": 1}, {"label": "没有解决", "value": 3}],
        },
        {
            "type": "textarea",
            "key": "comment",
            "label": "说明",
            "properties": {"requiredWhen": "=rating != 1"},
        },
        {"type": "checkbox", "key": "reopen", "label": "重新办理", "conditional": {"hide": "=rating != 3"}},
        {
            "type": "select",
            "key": "executive",
            "label": "高管",
            "valuesKey": "executives",
            "conditional": {"hide": "=me.is_executive"},
        },
        {"type": "number", "key": "days", "label": "天数"},
    ],
}


def test_only_answers_are_read_and_a_blank_beside_a_choice_is_none() -> None:
    form = FormData(
        [
            ("csrf_token", "x"),
            ("act", "send"),
            ("files", ""),
            ("files", "a"),
            ("files", "b"),
            ("ok", "on"),
            ("ok", ""),
            ("none", ""),
        ]
    )
    assert read_answers(form) == {"files": ["a", "b"], "ok": "on", "none": ""}


def test_posted_texts_get_the_types_that_conditions_compare() -> None:
    typed = type_answers(FORM, FormContext(), {"rating": "3", "reopen": "on", "days": "12", "comment": "3"})
    assert typed == {"rating": 3, "reopen": True, "days": 12, "comment": "3"}


@pytest.mark.parametrize(("rating", "hidden"), [("1", True), ("3", False)])
def test_the_shape_of_a_form_follows_what_was_picked(rating: str, hidden: bool) -> None:
    context = FormContext(me={"is_executive": True})
    shown = fields(FORM, context, type_answers(FORM, context, {"rating": rating}))
    assert shape(shown)["reopen"].hidden is hidden
    assert shape(shown)["comment"].required is not hidden


def test_a_field_that_no_answer_can_bring_back_is_left_out_and_others_stay() -> None:
    context = FormContext(me={"is_executive": True})
    keys = [one.key for one in drop_unreachable(fields(FORM, context, {"rating": 1}))]
    assert keys == ["rating", "comment", "reopen", "days"]


def test_fields_in_groups_are_left_out_too() -> None:
    group = Field(
        "group",
        "group",
        children=(Field("a", "textfield", hidden=True, hide_when="me.x"), Field("b", "textfield")),
    )
    assert [one.key for one in drop_unreachable([group])[0].children] == ["b"]

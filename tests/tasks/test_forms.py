"""Answers to a form: what passes, and every mistake told with its field's name."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tasks.exceptions import AnswersRefused
from tasks.fields import FileFact, FormContext, Option, fields
from tasks.forms import check, describe, file_ids

ME = UUID(int=1)


def form(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": "default", "components": list(components)}


def component(kind: str, key: str = "answer", **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "label": "回答", **more}


def refused(schema: dict[str, Any], answers: dict[str, Any], **context: Any) -> dict[str, str]:
    with pytest.raises(AnswersRefused) as caught:
        check(schema, answers, FormContext(**context))
    return caught.value.errors


RATING = component("radio", values=[{"label": "好", "value": 1}, {"label": "差", "value": 2}])


@pytest.mark.parametrize(
    ("field", "entered", "value"),
    [
        (component("textfield"), "  一句话 ", "一句话"),
        (component("textarea"), "一\r\n二", "一\n二"),
        (component("textfield"), "", None),
        (component("textfield"), ["一句话"], "一句话"),
        (component("textfield", validate={"pattern": "^[A-Z]{2}\\d{3}$"}), "AB123", "AB123"),
        (component("number"), "12", 12),
        (component("number"), 1.5, 1.5),
        (component("number", validate={"min": 0}), 0, 0),
        (RATING, "2", 2),
        (RATING, 1, 1),
        (component("checkbox"), "on", True),
        (component("checkbox"), True, True),
        (component("checkbox"), None, False),
        (
            component("checklist", values=[{"label": "甲", "value": "a"}, {"label": "乙", "value": "b"}]),
            "a",
            ["a"],
        ),
        (component("checklist", values=[{"label": "甲", "value": "a"}]), ["", "a", "a"], ["a"]),
        (component("datetime", subtype="date"), "2026-03-02", "2026-03-02"),
        (component("datetime", subtype="time"), "09:30:15", "09:30"),
        (
            component("datetime", subtype="datetime"),
            "2026-03-02T09:30:00+00:00",
            "2026-03-02T09:30:00+00:00",
        ),
        (component("datetime", subtype="datetime"), "2026-03-02T09:30", "2026-03-02T09:30:00+08:00"),
    ],
)
def test_pages_and_json_give_the_same_values(field: dict[str, Any], entered: Any, value: Any) -> None:
    assert check(form(field), {"answer": entered}, FormContext()) == {"answer": value}


@pytest.mark.parametrize(
    ("field", "entered", "sentence"),
    [
        (component("textfield", validate={"required": True}), "  ", "请填写“回答”。"),
        (
            component("textfield", validate={"maxLength": 2}),
            "三个字",
            "“回答”不能超过 2 个字，现在是 3 个字。",
        ),
        (component("textfield", validate={"minLength": 2}), "字", "“回答”至少要写 2 个字，现在是 1 个字。"),
        (component("textfield", validate={"pattern": "^\\d+$"}), "１２a", "“回答”的格式不正确。"),
        (component("textfield"), "一\n二", "“回答”只能写一行。"),
        (component("textfield"), "坏\x00的", "“回答”里有不能使用的控制字符，请重新输入。"),
        (component("textarea"), "半个\ud83d", "“回答”里有不能使用的控制字符，请重新输入。"),
        (component("textfield"), {"a": 1}, "“回答”须是文字。"),
        (component("textfield"), ["一", "二"], "“回答”只能有一项。"),
        (component("number"), "十", "“回答”须是数字。"),
        (component("number"), True, "“回答”须是数字。"),
        (component("number"), float("nan"), "“回答”须是数字。"),
        (component("number", decimalDigits=0), 1.5, "“回答”须是整数。"),
        (component("number", validate={"max": 4}), 5, "“回答”不能大于 4。"),
        (RATING, 9, "“回答”须从给出的选项里选择。"),
        (RATING, True, "“回答”须从给出的选项里选择。"),
        (component("select", valuesKey="offices", validate={"required": True}), None, "请选择“回答”。"),
        (component("select", valuesKey="offices"), "2399", "“回答”须从给出的选项里选择。"),
        (component("checkbox", validate={"required": True}), False, "请勾选“回答”。"),
        (component("checkbox"), "也许", "“回答”须是“是”或“否”。"),
        (component("datetime", subtype="date"), "2026-02-30", "“回答”须是正确的日期（如 2026-03-02）。"),
        (component("datetime", subtype="datetime"), "2026-03-02", "“回答”须同时有日期和时间。"),
        (component("filepicker"), ["不是编号"], "“回答”里有找不到的附件，请重新上传。"),
    ],
)
def test_a_mistake_is_told_with_the_name_of_its_field(
    field: dict[str, Any], entered: Any, sentence: str
) -> None:
    lists = {"offices": [Option("2301", "连云港海关")]}
    assert refused(form(field), {"answer": entered}, lists=lists) == {"answer": sentence}


def test_all_mistakes_are_told_at_once() -> None:
    schema = form(
        component("textfield", "one", validate={"required": True}),
        component("number", "two", label="数量"),
        component("textfield", "three"),
    )
    assert refused(schema, {"two": "许多", "four": "?"}) == {
        "one": "请填写“回答”。",
        "two": "“数量”须是数字。",
        "four": "表单里没有名为“four”的字段。",
    }


def test_send_is_taken_where_it_is_true_and_refused_where_it_is_not() -> None:
    assert check(form(), {"send": True}, FormContext()) == {}
    assert "send" in refused(form(), {"send": False})


CONDITIONAL = form(
    component(
        "radio", "decision", values=[{"label": "答", "value": "answer"}, {"label": "转", "value": "move"}]
    ),
    {
        "type": "group",
        "label": "转办",
        "conditional": {"hide": '=decision != "move"'},
        "components": [component("textfield", "office", label="海关", validate={"required": True})],
    },
    component("textfield", "comment", label="说明", properties={"requiredWhen": '=decision = "move"'}),
)


def test_what_is_hidden_is_neither_asked_for_nor_taken() -> None:
    assert check(CONDITIONAL, {"decision": "answer", "office": ""}, FormContext()) == {
        "decision": "answer",
        "comment": None,
    }
    assert refused(CONDITIONAL, {"decision": "answer", "office": "2301"}) == {
        "office": "按照已填写的内容，不需要填写“海关”，请清空。"
    }


def test_a_condition_makes_a_field_required() -> None:
    assert refused(CONDITIONAL, {"decision": "move", "office": "2301"}) == {"comment": "请填写“说明”。"}


def test_conditions_read_the_issue_and_who_i_am() -> None:
    schema = form(component("checkbox", conditional={"hide": "=not(me.is_submitter) or issue.round > 2"}))
    assert check(
        schema, {"answer": True}, FormContext(facts={"issue": {"round": 0}}, me={"is_submitter": True})
    ) == {"answer": True}
    assert "answer" in refused(
        schema, {"answer": True}, facts={"issue": {"round": 3}}, me={"is_submitter": True}
    )
    assert "answer" in refused(
        schema, {"answer": True}, facts={"issue": {"round": 0}}, me={"is_submitter": False}
    )


def test_fields_of_the_issue_that_are_left_out_stay_as_they_are() -> None:
    schema = form(component("textfield", "title", validate={"required": True}))
    assert check(schema, {}, FormContext(values={"title": "原标题"})) == {}
    assert refused(schema, {}, values={"title": ""}) == {"title": "请填写“回答”。"}
    assert refused(schema, {"title": ""}, values={"title": "原标题"}) == {"title": "请填写“回答”。"}


def test_files_are_ones_own_new_ones_or_those_of_the_issue() -> None:
    issue, mine, theirs, used, elsewhere = (uuid4() for _ in range(5))
    files = {
        mine: FileFact(mine, "a.pdf", ME, None),
        theirs: FileFact(theirs, "b.pdf", UUID(int=2), None),
        used: FileFact(used, "c.pdf", UUID(int=2), issue),
        elsewhere: FileFact(elsewhere, "d.pdf", ME, uuid4()),
    }
    schema = form(component("filepicker"))
    context = FormContext(files=files, actor_id=ME, instance_id=issue)
    assert check(schema, {"answer": [str(mine), str(used)]}, context) == {"answer": [str(mine), str(used)]}
    for wrong in (theirs, elsewhere, uuid4()):
        with pytest.raises(AnswersRefused):
            check(schema, {"answer": [str(mine), str(wrong)]}, context)
    assert file_ids(schema, {"answer": [str(mine), "?"]}) == [mine]


def test_files_are_counted() -> None:
    ids = [uuid4() for _ in range(3)]
    files = {id_: FileFact(id_, "a.pdf", ME, None) for id_ in ids}
    errors = refused(
        form(component("filepicker")),
        {"answer": [str(id_) for id_ in ids]},
        files=files,
        actor_id=ME,
        max_files=2,
    )
    assert errors == {"answer": "“回答”最多 2 个附件，现在是 3 个附件。"}


def test_fields_are_drawn_with_options_values_and_conditions() -> None:
    context = FormContext(lists={"offices": [Option("2301", "连云港海关")]}, values={"office": "2301"})
    schema = form(
        component("select", "office", label="海关", valuesKey="offices", description="选一个"),
        component(
            "textfield",
            "reason",
            properties={"requiredWhen": "=office != null"},
            conditional={"hide": "=office = null"},
        ),
        {"type": "text", "text": "请如实填写。"},
    )
    office, reason, note = fields(schema, context)
    assert (office.label, office.hint, office.value) == ("海关", "选一个", "2301")
    assert office.options == (Option("2301", "连云港海关"),)
    assert (reason.required, reason.hidden, reason.required_when) == (True, False, "office != null")
    assert note.text == "请如实填写。"
    assert fields(schema, context, {"office": None})[1].hidden


def test_answers_are_shown_by_the_labels_of_their_form() -> None:
    schema = form(
        RATING, component("checkbox", "again", label="重办"), component("filepicker", "files", label="附件")
    )
    lines = describe(schema, {"answer": 1, "again": True, "files": ["x", "y"], "old": "旧"}, {})
    assert [(line["label"], line["text"]) for line in lines] == [
        ("回答", "好"),
        ("重办", "是"),
        ("附件", "2 个附件"),
        ("old", "旧"),
    ]

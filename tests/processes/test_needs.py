"""What Python needs of forms and diagrams is one table a process: kept by `check` and at deploy, and written in the READMEs."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from engine.catalogue import read_folder
from engine.exceptions import DiagramRefused
from engine.specs import parse_definition
from tasks.kinds import ISSUE, REGISTRATION
from tasks.needs import NEEDS, describe_needs, find_first_form, find_unmet
from tasks.operators import OPERATORS
from tests.tasks.added_fields import drop_field
from tests.tasks.world import build_engine
from wiring import check_processes

PROCESSES = Path(__file__).parents[2] / "processes"


def unmet(process: str, files: dict[str, str]) -> list[tuple[str, str]]:
    return [(one.element, one.rule) for one in find_unmet(parse_definition(files))]


@pytest.mark.parametrize("process", NEEDS)
def test_the_readme_shows_the_table(process: str) -> None:
    assert describe_needs(process) in (PROCESSES / process / "README.md").read_text()


@pytest.mark.parametrize("process", NEEDS)
def test_our_own_processes_meet_their_needs(process: str) -> None:
    assert unmet(process, read_folder(PROCESSES, process)) == []


def test_the_table_names_operators_that_exist_and_every_column_once() -> None:
    named = {one.operator for needs in NEEDS.values() for one in needs.fields}
    named |= {operator for needs in NEEDS.values() for one in needs.elements for operator in one.operators}
    assert named <= OPERATORS.keys()
    for kind in (ISSUE, REGISTRATION):
        columns = [one.key for one in NEEDS[kind.name].fields if one.column]
        assert sorted(columns) == sorted(kind.fields)


@pytest.mark.parametrize(
    ("process", "form", "key"),
    [
        ("issue", "draft_issue", "office"),
        ("issue", "draft_issue", "title"),
        ("issue", "answer_issue", "answer"),
        ("issue", "answer_issue", "decision"),
        ("issue", "evaluate_answer", "rating"),
        ("registration", "correct_registration", "contact"),
        ("registration", "correct_registration", "uscc"),
        ("registration", "correct_registration", "name"),
        ("registration", "review_registration", "reason"),
    ],
)
def test_a_needed_field_that_is_missing_is_refused(process: str, form: str, key: str) -> None:
    files = drop_field(read_folder(PROCESSES, process), form, key)
    assert (key, "needed-field") in unmet(process, files)


def test_a_later_form_may_leave_out_what_the_first_one_asks() -> None:
    assert unmet("issue", drop_field(read_folder(PROCESSES, "issue"), "review_issue", "title")) == []


def change_field(files: dict[str, str], form: str, key: str, **change: object) -> dict[str, str]:
    [name] = [name for name in files if name.endswith(f"/{form}.form")]
    schema = json.loads(files[name])
    for component in schema["components"]:
        if component.get("key") == key:
            for gone in ("values", "valuesKey", "validate", "searchable", "description"):
                component.pop(gone, None)
            component.update(change)
    return files | {name: json.dumps(schema, ensure_ascii=False)}


YES = [{"label": "是", "value": "yes"}]


@pytest.mark.parametrize(
    ("process", "form", "key", "change"),
    [
        ("issue", "draft_issue", "title", {"type": "number"}),
        ("issue", "draft_issue", "office", {"values": YES}),
        ("issue", "draft_issue", "attachments", {"type": "textfield"}),
        ("issue", "evaluate_answer", "rating", {"values": [{"label": "五星", "value": 5}]}),
        ("issue", "evaluate_answer", "rating", {"values": [{"label": "完全解决", "value": "1"}]}),
        ("issue", "answer_issue", "decision", {"values": YES}),
        ("registration", "correct_registration", "licence", {"type": "textfield"}),
    ],
)
def test_a_needed_field_of_another_kind_is_refused(
    process: str, form: str, key: str, change: dict[str, object]
) -> None:
    files = change_field(read_folder(PROCESSES, process), form, key, **change)
    assert (key, "needed-field") in unmet(process, files)


@pytest.mark.parametrize(
    ("process", "old", "new", "finding"),
    [
        ("issue", 'id="deadline_near"', 'id="nearly_due"', ("deadline_near", "needed-element")),
        ("issue", 'name="withdraw_issue"', 'name="take_back"', ("withdraw_issue", "needed-element")),
        (
            "registration",
            'name="registration_superseded"',
            'name="too_late"',
            ("registration_superseded", "needed-element"),
        ),
        (
            "issue",
            'name="phase" value="customs"',
            'name="phase" value="office"',
            ("answer_issue", "needed-phase"),
        ),
        (
            "issue",
            'name="phase.customs" value="海关办理"',
            'name="phase.office" value="海关办理"',
            ("issue", "needed-phase"),
        ),
        ("issue", "executive + &quot;把", "director + &quot;把", ("rework_issue", "unknown-name")),
    ],
)
def test_a_needed_element_a_phase_and_the_names_in_page_words_are_checked(
    process: str, old: str, new: str, finding: tuple[str, str]
) -> None:
    files = read_folder(PROCESSES, process)
    body = files[f"{process}.bpmn"].replace('executive + "把', "executive + &quot;把")
    assert old in body
    changed = body.replace(f"attachedToRef={old[3:]}", f"attachedToRef={new[3:]}").replace(old, new)
    if old.startswith("id="):
        changed = changed.replace(f">{old[4:-1]}<", f">{new[4:-1]}<").replace(
            f'"{old[4:-1]}"', f'"{new[4:-1]}"'
        )
    assert finding in unmet(process, files | {f"{process}.bpmn": changed})


def test_without_any_task_that_keeps_the_record_there_is_no_form_to_begin_with() -> None:
    files = read_folder(PROCESSES, "registration")
    body = files["registration.bpmn"].replace(
        'name="onComplete" value="save_registration"', 'name="place" value="below"'
    )
    assert ("registration", "needed-form") in unmet("registration", files | {"registration.bpmn": body})


def test_the_form_a_record_begins_with_is_found_by_what_it_does() -> None:
    found = {key: find_first_form(parse_definition(read_folder(PROCESSES, key))) for key in NEEDS}
    assert found == {"issue": "draft_issue", "registration": "correct_registration"}


def test_check_says_it_in_a_line(tmp_path: Path) -> None:
    for name, body in drop_field(
        read_folder(PROCESSES, "registration"), "correct_registration", "contact"
    ).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body)
    [line] = check_processes([tmp_path / "registration.bpmn"])
    assert "contact" in line and "申请人的姓名" in line


async def test_deploy_refuses_it_too(session: AsyncSession, now: datetime) -> None:
    files = drop_field(read_folder(PROCESSES, "registration"), "correct_registration", "contact")
    with pytest.raises(DiagramRefused) as refused:
        await build_engine().catalogue.deploy(session, "registration", files, actor=None, now=now)
    assert [one.element for one in refused.value.findings] == ["contact"]

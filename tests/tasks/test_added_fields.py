"""A field that an analyst adds to a `.form` file alone arrives: kept, carried into later forms, compared, shown, found."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.ids import uuid7
from domain.models import Attachment
from engine.catalogue import read_folder
from engine.specs import parse_definition
from tasks import details, inbox, issues
from tasks.exceptions import AnswersRefused
from tasks.standing import name_phase, tell_empty
from tests.tasks.added_fields import ANSWERS, KINDS, TEXTS, add_fields, drop_field
from tests.tasks.world import PROCESSES, QUESTION, World

QUESTION_FORMS = ["draft_issue", "rework_issue", "review_issue"]


async def deploy(world: World, files: dict[str, str]) -> None:
    await world.engine.catalogue.deploy(world.session, "issue", files, actor=None, now=world.now)


async def add_file(world: World, who: str, name: str) -> UUID:
    id_ = uuid7()
    world.session.add(
        Attachment(
            id=id_,
            uploader_id=world.people[who].person_id,
            name=name,
            size=1,
            media_type="image/png",
            sha256="",
            stored_as=str(id_),
            created_at=world.now,
        )
    )
    await world.session.flush()
    return id_


async def fields_of(world: World, issue_id: UUID, who: str = "handler") -> dict[str, str]:
    detail = await details.get_issue(world.session, world.engine, world.people[who], issue_id)
    return {key: kept.text for key, kept in detail.fields.items()}


async def view_of(world: World, who: str, issue_id: UUID, element_id: str) -> inbox.TaskView:
    task_id = await world.task(issue_id, element_id)
    return await inbox.get_task(world.session, world.engine, world.people[who], task_id, world.now)


@pytest.mark.parametrize("required", [False, True])
async def test_fields_of_every_kind_are_typed_once_and_arrive(world: World, required: bool) -> None:
    await deploy(world, add_fields(read_folder(PROCESSES, "issue"), QUESTION_FORMS, required=required))
    photo = await add_file(world, "staff", "压港.png")
    answers = {**ANSWERS, "photos": [str(photo)]}
    issue = await world.raise_issue("staff", **answers)
    await world.complete("staff", issue.id, "draft_issue", send=True)

    view = await view_of(world, "boss", issue.id, "review_issue")
    shown = {one.key: one.value for one in view.fields if one.key in KINDS}
    assert shown == answers
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")

    texts = {**TEXTS, "photos": "压港.png"}
    assert await fields_of(world, issue.id) == texts
    assert list(await fields_of(world, issue.id)) == list(KINDS)
    bound = await world.session.get(Attachment, photo, populate_existing=True)
    assert bound is not None and bound.instance_id == issue.id
    for word in ("HT-2026-0071", "已经压港", "压港.png"):
        page = await issues.list_issues(world.session, world.people["handler"], issues.IssueFilter(q=word))
        assert [line.id for line in page.items] == [issue.id]
    exported = await issues.find_answers(world.session, [issue.id])
    assert exported[issue.id]["contract_no"] == ("合同号", "HT-2026-0071")


async def test_a_required_field_that_was_never_asked_is_asked_of_whoever_reviews(world: World) -> None:
    await deploy(
        world, add_fields(read_folder(PROCESSES, "issue"), ["review_issue"], ["hurry"], required=True)
    )
    issue = await world.raise_issue()
    await world.complete("staff", issue.id, "draft_issue", send=True)
    with pytest.raises(AnswersRefused) as refused:
        await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")
    assert refused.value.errors == {"hurry": "请选择“是否压港”。"}
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般", hurry="no")
    assert await fields_of(world, issue.id) == {"hurry": "没有"}


async def test_what_the_executive_changes_is_compared_and_setting_it_first_is_not(world: World) -> None:
    await deploy(
        world, add_fields(read_folder(PROCESSES, "issue"), QUESTION_FORMS, ["contract_no", "papers"])
    )
    issue = await world.raise_issue("staff", contract_no="HT-1", papers=["bl"])
    await world.complete("staff", issue.id, "draft_issue", send=True)
    await world.complete(
        "boss", issue.id, "review_issue", decision="submit", importance="一般", contract_no="HT-2", papers=[]
    )
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    changed = {one.field: (one.label, one.before, one.after) for one in detail.changes if one.field in KINDS}
    assert changed == {"contract_no": ("合同号", "HT-1", "HT-2"), "papers": ("手上有的单证", "提单", "")}
    assert await fields_of(world, issue.id) == {"contract_no": "HT-2"}


async def test_a_returned_question_begins_with_what_was_answered_and_decisions_do_not(world: World) -> None:
    await deploy(world, add_fields(read_folder(PROCESSES, "issue"), QUESTION_FORMS, ["contract_no"]))
    issue = await world.raise_issue("staff", contract_no="HT-1")
    await world.complete("staff", issue.id, "draft_issue", send=True)
    await world.complete("boss", issue.id, "review_issue", decision="return", comment="请写清楚")
    view = await view_of(world, "staff", issue.id, "rework_issue")
    assert view.values["contract_no"] == "HT-1"
    await world.complete("staff", issue.id, "rework_issue", send=True, contract_no="HT-1b")
    view = await view_of(world, "boss", issue.id, "review_issue")
    assert view.values["contract_no"] == "HT-1b"
    assert {"decision", "comment"}.isdisjoint(view.values)


async def test_what_customs_is_asked_besides_stands_with_its_answer(world: World) -> None:
    files = add_fields(
        read_folder(PROCESSES, "issue"), ["answer_issue", "evaluate_answer"], ["circumstances"]
    )
    await deploy(world, files)
    issue = await world.at_customs()
    await world.claim("handler", issue.id)
    await world.complete(
        "handler", issue.id, "answer_issue", decision="answer", answer="可以。", circumstances="依据总署公告"
    )
    await world.complete("staff", issue.id, "evaluate_answer", rating=1, circumstances="很快")
    view = await inbox.get_task(
        world.session,
        world.engine,
        world.people["boss"],
        await world.task(issue.id, "evaluate_answer", "boss"),
        world.now,
    )
    assert (
        view.values.get("circumstances") is None
    )  # what one person says of it is not put into another's mouth
    await world.complete("boss", issue.id, "evaluate_answer", rating=1, circumstances="一般")
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    said = [
        (task.name, one.text)
        for task in detail.done_tasks
        for one in task.answers
        if one.key == "circumstances"
    ]
    assert said == [("答复问题", "依据总署公告"), ("评价答复", "很快"), ("评价答复", "一般")]
    assert detail.fields == {}
    for word in ("总署公告", "很快"):
        page = await issues.list_issues(world.session, world.people["staff"], issues.IssueFilter(q=word))
        assert [line.id for line in page.items] == [issue.id]


async def test_a_later_step_with_the_same_key_begins_with_the_answer(world: World) -> None:
    files = add_fields(read_folder(PROCESSES, "issue"), [*QUESTION_FORMS, "answer_issue"], ["contract_no"])
    await deploy(world, files)
    issue = await world.at_customs(contract_no="HT-1")
    task_id = await world.claim("handler", issue.id)
    view = await inbox.get_task(world.session, world.engine, world.people["handler"], task_id, world.now)
    assert view.values["contract_no"] == "HT-1"
    await world.complete(
        "handler", issue.id, "answer_issue", decision="answer", answer="可以。", contract_no="HT-1 号"
    )
    assert await fields_of(world, issue.id) == {"contract_no": "HT-1 号"}
    detail = await details.get_issue(world.session, world.engine, world.people["staff"], issue.id)
    assert [(one.field, one.before, one.after) for one in detail.changes if one.field == "contract_no"] == [
        ("contract_no", "HT-1", "HT-1 号")
    ]


async def test_a_field_taken_away_again_keeps_what_was_answered(world: World) -> None:
    files = read_folder(PROCESSES, "issue")
    await deploy(world, add_fields(files, QUESTION_FORMS, ["contract_no"]))
    issue = await world.raise_issue("staff", contract_no="HT-1")
    await world.complete("staff", issue.id, "draft_issue", send=True)
    definition, _ = await world.engine.catalogue.deploy(
        world.session, "issue", drop_field(files, "review_issue", "contact"), actor=None, now=world.now
    )
    locked = await world.engine.lock_instance(world.session, issue.id)
    await world.engine.migrate(world.session, locked, definition.id, actor=None, now=world.now)
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般")
    assert await fields_of(world, issue.id) == {"contract_no": "HT-1"}


async def test_an_answer_that_others_hide_now_is_taken_away_but_not_by_who_looks(world: World) -> None:
    files = add_fields(read_folder(PROCESSES, "issue"), QUESTION_FORMS, ["hurry", "value_usd", "contract_no"])
    files = {
        name: body.replace(
            '"key": "value_usd",', '"key": "value_usd", "conditional": {"hide": "=hurry != \\"yes\\""},'
        ).replace(
            '"key": "contract_no",', '"key": "contract_no", "conditional": {"hide": "=me.is_executive"},'
        )
        for name, body in files.items()
    }
    await deploy(world, files)
    issue = await world.raise_issue("staff", hurry="yes", value_usd=3, contract_no="HT-1")
    await world.complete("staff", issue.id, "draft_issue", send=True)
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="一般", hurry="no")
    assert await fields_of(world, issue.id) == {"hurry": "没有", "contract_no": "HT-1"}


async def test_a_draft_with_a_mistake_in_it_is_kept_all_the_same(world: World) -> None:
    await deploy(
        world, add_fields(read_folder(PROCESSES, "issue"), QUESTION_FORMS, ["value_usd", "contract_no"])
    )
    fields: dict[str, Any] = {**QUESTION, "value_usd": "十万", "contract_no": "HT-1"}
    issue = await issues.raise_issue(
        world.session, world.engine, world.people["staff"], fields, world.now, lenient=True
    )
    assert await fields_of(world, issue.id, "staff") == {"contract_no": "HT-1"}
    with pytest.raises(AnswersRefused):
        await world.raise_issue("staff", value_usd="十万")


async def test_a_question_without_added_fields_costs_its_row_nothing(world: World, now: datetime) -> None:
    issue = await world.answered()
    kept = await world.session.scalar(text("SELECT answers FROM issue WHERE id = :id"), {"id": issue.id})
    assert kept == {}


async def test_a_version_deployed_before_the_words_is_told_plainly(world: World) -> None:
    files = read_folder(PROCESSES, "issue")
    for name, body in files.items():
        files[name] = re.sub(
            r'\n *<spiffworkflow:property name="(?:now|next|wanted|phase\.)[^>]*/>', "", body
        )
    old = parse_definition(files)
    assert name_phase(old, "customs") == "海关办理" and tell_empty(old, "customs") == ""

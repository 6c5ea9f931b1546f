"""A field that an analyst adds to the forms of registrations alone arrives, too."""

from typing import Any

import pytest

from engine.catalogue import read_folder
from tasks import inbox, registration_details, registrations
from tasks.exceptions import AnswersRefused
from tests.tasks.added_fields import ANSWERS, KINDS, TEXTS, add_fields, drop_field
from tests.tasks.applicants import act_as_applicant, add_file, apply, ask_challenge, correct, review
from tests.tasks.world import PROCESSES, World

FORMS = ["correct_registration", "review_registration"]
RETURNED = {"decision": "return", "reason": "执照看不清。"}


async def deploy(world: World, files: dict[str, str]) -> None:
    await world.engine.catalogue.deploy(world.session, "registration", files, actor=None, now=world.now)


async def detail_of(
    world: World, registration: Any, who: str = "registrar"
) -> registration_details.RegistrationDetail:
    return await registration_details.get_registration(
        world.session, world.engine, world.people[who], registration.id
    )


@pytest.mark.parametrize("required", [False, True])
async def test_fields_of_every_kind_are_kept_with_the_application(world: World, required: bool) -> None:
    files = add_fields(read_folder(PROCESSES, "registration"), ["correct_registration"], required=required)
    await deploy(world, files)
    challenge = await ask_challenge(world)
    photo = await add_file(world.session, world, challenge=challenge.id)
    registration = await apply(world, challenge, **ANSWERS, photos=[photo])
    detail = await detail_of(world, registration)
    assert {key: one.text for key, one in detail.fields.items()} == {**TEXTS, "photos": "营业执照.png"}
    assert list(detail.fields) == list(KINDS)
    wanted = registrations.RegistrationFilter(q="HT-2026-0071")
    page = await registrations.list_registrations(world.session, world.people["registrar"], wanted)
    assert [line.id for line in page.items] == [registration.id]

    await review(world, registration, **RETURNED)
    who = str(registration.id)
    world.people[who] = await act_as_applicant(world.session, registration.id)
    task_id = await world.task(registration.id, "correct_registration")
    view = await inbox.get_task(world.session, world.engine, world.people[who], task_id, world.now)
    assert {key: view.values[key] for key in KINDS} == {**ANSWERS, "photos": [photo]}
    await correct(world, registration, contract_no="HT-2026-0072")
    detail = await detail_of(world, registration)
    assert detail.fields["contract_no"].text == "HT-2026-0072"
    changed = [(one.round, one.change.label, one.change.before, one.change.after) for one in detail.changes]
    assert changed == [(1, "合同号", "HT-2026-0071", "HT-2026-0072")]


async def test_a_required_field_is_asked_at_once(world: World) -> None:
    files = add_fields(
        read_folder(PROCESSES, "registration"), ["correct_registration"], ["contract_no"], required=True
    )
    await deploy(world, files)
    with pytest.raises(AnswersRefused) as refused:
        await apply(world)
    assert refused.value.errors == {"contract_no": "请填写“合同号”。"}


async def test_what_the_reviewer_is_asked_besides_is_told_with_the_review(world: World) -> None:
    files = add_fields(read_folder(PROCESSES, "registration"), FORMS, ["circumstances"])
    await deploy(world, files)
    registration = await apply(world, circumstances="新成立的企业")
    task_id = await world.claim("registrar", registration.id, "review_registration")
    view = await inbox.get_task(world.session, world.engine, world.people["registrar"], task_id, world.now)
    assert view.values["circumstances"] == "新成立的企业"
    await world.complete(
        "registrar", registration.id, "review_registration", decision="approve", circumstances="已电话核实"
    )
    detail = await detail_of(world, registration)
    assert [one.text for one in detail.done_tasks[0].answers if one.key == "circumstances"] == ["已电话核实"]
    assert detail.fields["circumstances"].text == "已电话核实"


async def test_fields_that_are_not_needed_may_be_taken_away(world: World) -> None:
    files = read_folder(PROCESSES, "registration")
    for key in ("address", "legal_person", "customs_code"):
        files = drop_field(files, "correct_registration", key)
    await deploy(world, files)
    registration = await apply(world, address=None, legal_person=None, customs_code=None)
    assert registration.number

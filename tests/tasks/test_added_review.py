"""A second approval by the 科室负责人, drawn into the diagram of registrations by an analyst, works without a line of Python."""

import json

import pytest

from engine.catalogue import read_folder
from engine.models import UserTask
from tasks import registration_details
from tests.tasks.applicants import apply, correct, enterprise_of, get, review
from tests.tasks.world import PROCESSES, World

TASK = """
      <bpmn:exclusiveGateway id="second_needed" name="要复核？" default="no_second" />
      <bpmn:userTask id="confirm_registration" name="科室复核">
        <bpmn:extensionElements>
          <spiffworkflow:properties>
            <spiffworkflow:property name="status" value='"待复核"' />
            <spiffworkflow:property name="phase" value="customs" />
            <spiffworkflow:property name="candidateGroups" value='"section_chief:" + registration.office' />
            <spiffworkflow:property name="dueDate" value="deadline.due_at" />
            <spiffworkflow:property name="onComplete" value="record_review" />
            <spiffworkflow:property name="resultVariable" value="registration" />
          </spiffworkflow:properties>
        </bpmn:extensionElements>
      </bpmn:userTask>
      <bpmn:sequenceFlow id="no_second" sourceRef="second_needed" targetRef="reviewed" />
      <bpmn:sequenceFlow id="to_second" sourceRef="second_needed" targetRef="confirm_registration">
        <bpmn:conditionExpression>review_registration.decision == "approve"</bpmn:conditionExpression>
      </bpmn:sequenceFlow>
      <bpmn:sequenceFlow id="flow_confirmed" sourceRef="confirm_registration" targetRef="reviewed" />
"""
FORM = {
    "type": "default",
    "id": "confirm_registration",
    "components": [
        {
            "type": "radio",
            "key": "opinion",
            "label": "复核意见",
            "validate": {"required": True},
            "values": [{"label": "同意通过", "value": "agree"}, {"label": "退回补正", "value": "return"}],
        },
        {
            "type": "textarea",
            "key": "reason",
            "label": "理由",
            "validate": {"maxLength": 500},
            "properties": {"requiredWhen": '=opinion = "return"'},
        },
    ],
}


def add_second_approval(files: dict[str, str]) -> dict[str, str]:
    """The registration process with 科室复核 after a registrar's approval, inside the box whose deadline goes on."""
    diagram = files["registration.bpmn"]
    for old, new in (
        (
            'id="flow_reviewed" sourceRef="review_registration" targetRef="reviewed"',
            'id="flow_reviewed" sourceRef="review_registration" targetRef="second_needed"',
        ),
        ("<bpmn:incoming>flow_reviewed</bpmn:incoming>", ""),
        ("    </bpmn:subProcess>", f"{TASK}    </bpmn:subProcess>"),
        (
            'review_registration.decision == "approve"</bpmn:conditionExpression>\n    </bpmn:sequenceFlow>',
            (
                'review_registration.decision == "approve" and confirm_registration.opinion == "agree"'
                "</bpmn:conditionExpression>\n    </bpmn:sequenceFlow>"
            ),
        ),
    ):
        assert diagram.count(old) == 1, old
        diagram = diagram.replace(old, new)
    form = json.dumps(FORM, ensure_ascii=False)
    return files | {"registration.bpmn": diagram, "registration/confirm_registration.form": form}


@pytest.fixture
async def changed_world(world: World) -> World:
    files = add_second_approval(read_folder(PROCESSES, "registration"))
    files = {name: body for name, body in files.items() if not name.endswith("cases.yaml")}
    definition, is_new = await world.engine.catalogue.deploy(
        world.session, "registration", files, actor=None, now=world.now
    )
    assert (definition.version, is_new) == (2, True)
    return world


async def test_the_chief_agrees_and_the_enterprise_is_registered(changed_world: World) -> None:
    world = changed_world
    registration = await apply(world)
    await review(world, registration, decision="approve")
    assert (await get(world, registration.id)).status == "待复核"
    assert (await enterprise_of(world, registration)).status == "pending"
    world.pass_time(hours=1)
    await world.claim("chief", registration.id, "confirm_registration")
    await world.complete("chief", registration.id, "confirm_registration", opinion="agree")
    assert (await get(world, registration.id)).outcome == "approved"
    detail = await registration_details.get_registration(
        world.session, world.engine, world.people["registrar"], registration.id
    )
    assert [(task.name, task.completed_by_name) for task in detail.done_tasks] == [
        ("审核注册", "何静"),
        ("科室复核", "黄勇"),
    ]
    assert [(one.label, one.text) for one in detail.done_tasks[1].answers] == [("复核意见", "同意通过")]


async def test_the_chief_returns_it_and_the_applicant_reads_why(changed_world: World) -> None:
    world = changed_world
    registration = await apply(world)
    await review(world, registration, decision="approve")
    await world.claim("chief", registration.id, "confirm_registration")
    reason = "法定代表人与营业执照不一致。"
    await world.complete("chief", registration.id, "confirm_registration", opinion="return", reason=reason)
    returned = await get(world, registration.id)
    assert (returned.status, returned.reason) == ("已退回", reason)
    await correct(world, registration, legal_person="孟凡一")
    await review(world, registration, decision="approve")
    await world.claim("chief", registration.id, "confirm_registration")
    await world.complete("chief", registration.id, "confirm_registration", opinion="agree")
    assert (await get(world, registration.id)).status == "已通过"


async def test_the_second_approval_buys_no_time(changed_world: World) -> None:
    world = changed_world
    registration = await apply(world)
    world.pass_time(days=2)
    await review(world, registration, decision="approve")
    task = await world.session.get_one(UserTask, await world.task(registration.id, "confirm_registration"))
    assert task.due_at == registration.due_at
    world.pass_time(days=1)
    assert await world.fire_timers() == ["deadline_near"]
    world.pass_time(hours=8, minutes=30)
    assert await world.fire_timers() == ["deadline_passed"]


async def test_a_refusal_needs_no_second_opinion(changed_world: World) -> None:
    world = changed_world
    registration = await apply(world)
    await review(world, registration, decision="refuse", reason="重复申请。")
    assert (await get(world, registration.id)).status == "未通过"

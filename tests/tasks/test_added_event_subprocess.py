"""Event sub-processes drawn into the diagram by an analyst work without a line of Python: what they start is somebody's task,
what they interrupt is nobody's any more, and the history and the table of messages tell them."""

import pytest

from engine.catalogue import read_folder
from engine.exceptions import TaskGone
from tasks import details
from tasks.message_table import describe
from tests.tasks.world import PROCESSES, World

FORM = '{"type": "default", "components": [{"type": "textarea", "key": "reason", "label": "原因"}]}'
HANDLERS = """
    <bpmn:subProcess id="stays_open" name="长期未结" triggeredByEvent="true">
      <bpmn:startEvent id="open_a_month" name="一个月未结" isInterrupting="false">
        <bpmn:outgoing>flow_open_a_month</bpmn:outgoing>
        <bpmn:timerEventDefinition><bpmn:timeCycle>R/P30D</bpmn:timeCycle></bpmn:timerEventDefinition>
      </bpmn:startEvent>
      <bpmn:serviceTask id="tell_open" name="通知长期未结"><bpmn:extensionElements>
        <spiffworkflow:serviceTaskOperator id="notify"><spiffworkflow:parameters>
          <spiffworkflow:parameter id="template" type="any" value='"overdue"' />
          <spiffworkflow:parameter id="to" type="any" value='"supervisors"' />
        </spiffworkflow:parameters></spiffworkflow:serviceTaskOperator></bpmn:extensionElements>
        <bpmn:incoming>flow_open_a_month</bpmn:incoming><bpmn:outgoing>flow_told_open</bpmn:outgoing>
      </bpmn:serviceTask>
      <bpmn:userTask id="explain_open" name="说明未结原因"><bpmn:extensionElements><spiffworkflow:properties>
        <spiffworkflow:property name="candidateGroups" value='"section_chief:" + issue.office' />
        <spiffworkflow:property name="status" value='"说明未结原因"' />
        <spiffworkflow:property name="phase" value="customs" /></spiffworkflow:properties></bpmn:extensionElements>
        <bpmn:incoming>flow_told_open</bpmn:incoming><bpmn:outgoing>flow_explained</bpmn:outgoing>
      </bpmn:userTask>
      <bpmn:endEvent id="explained"><bpmn:incoming>flow_explained</bpmn:incoming></bpmn:endEvent>
      <bpmn:sequenceFlow id="flow_open_a_month" sourceRef="open_a_month" targetRef="tell_open" />
      <bpmn:sequenceFlow id="flow_told_open" sourceRef="tell_open" targetRef="explain_open" />
      <bpmn:sequenceFlow id="flow_explained" sourceRef="explain_open" targetRef="explained" />
    </bpmn:subProcess>
    <bpmn:subProcess id="is_given_up" name="放弃" triggeredByEvent="true">
      <bpmn:startEvent id="given_up" name="说明为放弃"><bpmn:outgoing>flow_given_up</bpmn:outgoing>
        <bpmn:conditionalEventDefinition>
          <bpmn:condition>explain_open.reason = "放弃"</bpmn:condition>
        </bpmn:conditionalEventDefinition>
      </bpmn:startEvent>
      <bpmn:serviceTask id="close_given_up" name="办结"><bpmn:extensionElements>
        <spiffworkflow:serviceTaskOperator id="close_issue"><spiffworkflow:parameters>
          <spiffworkflow:parameter id="outcome" type="any" value='"withdrawn"' />
        </spiffworkflow:parameters></spiffworkflow:serviceTaskOperator></bpmn:extensionElements>
        <bpmn:incoming>flow_given_up</bpmn:incoming><bpmn:outgoing>flow_closed</bpmn:outgoing>
      </bpmn:serviceTask>
      <bpmn:endEvent id="closed_given_up" name="已放弃"><bpmn:extensionElements><spiffworkflow:properties>
        <spiffworkflow:property name="status" value='"已放弃"' />
        <spiffworkflow:property name="phase" value="closed" /></spiffworkflow:properties></bpmn:extensionElements>
        <bpmn:incoming>flow_closed</bpmn:incoming></bpmn:endEvent>
      <bpmn:sequenceFlow id="flow_given_up" sourceRef="given_up" targetRef="close_given_up" />
      <bpmn:sequenceFlow id="flow_closed" sourceRef="close_given_up" targetRef="closed_given_up" />
    </bpmn:subProcess>
"""


def add_handlers(files: dict[str, str]) -> dict[str, str]:
    """The issue process with two event sub-processes: every month the chief explains, and what is given up is closed."""
    diagram = files["issue.bpmn"].replace("</bpmn:process>", f"{HANDLERS}</bpmn:process>", 1)
    return files | {"issue.bpmn": diagram, "issue/explain_open.form": FORM}


async def test_what_a_timer_and_a_condition_start_is_done_and_shown_without_new_code(world: World) -> None:
    files = add_handlers(read_folder(PROCESSES, "issue"))
    session, engine = world.session, world.engine
    await engine.catalogue.deploy(session, "issue", files, actor=None, now=world.now)
    issue = await world.at_customs()
    answering = await world.claim("handler", issue.id)
    world.pass_time(days=30)
    assert "open_a_month" in await world.fire_timers()
    assert (await world.issue(issue.id)).status == "说明未结原因"
    assert ("overdue", "徐静") in await world.messages(issue.id)
    picture = await details.get_picture(session, engine, world.people["chief"], issue.id)
    assert {"stays_open", "explain_open", "answer_issue"} <= set(picture.active)
    assert {"open_a_month", "tell_open"} <= set(picture.done)

    await world.claim("chief", issue.id, "explain_open")
    await world.complete("chief", issue.id, "explain_open", reason="正在等上级批复")
    assert (await world.issue(issue.id)).status == "海关办理中"
    world.pass_time(days=30)
    await world.fire_timers()
    await world.claim("chief", issue.id, "explain_open")
    await world.complete("chief", issue.id, "explain_open", reason="放弃")

    closed = await world.issue(issue.id)
    assert (closed.status, closed.phase, closed.closed_at) == ("已放弃", "closed", world.now)
    assert (await world.instance(issue.id)).next_due is None
    with pytest.raises(TaskGone):
        await world.submit("handler", answering, {"decision": "answer", "answer": "可以。"})
    timeline = await details.timeline(session, engine, world.people["chief"], issue.id)
    told = [(one.kind, one.text) for one in timeline if one.kind != "service_done"]
    assert told.count(("timer_fired", "到时：一个月未结")) == 2
    assert told[-4:] == [
        ("task_completed", "完成“说明未结原因”"),
        ("event_caught", "说明为放弃"),
        ("task_cancelled", "“答复问题”已取消"),
        ("ended", "结束：已放弃"),
    ]


def test_the_table_of_messages_names_what_starts_them() -> None:
    table = describe(add_handlers(read_folder(PROCESSES, "issue")))
    assert '| 一个月未结（`"R/P30D"`） | `open_a_month` → `flow_open_a_month`' in table
    assert '| 说明为放弃（`explain_open.reason = "放弃"`） | `given_up` → `flow_given_up`' in table

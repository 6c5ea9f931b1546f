"""A new user task with its own form, drawn into the diagram by an analyst, works without a line of Python."""

import json
import re

import pytest

from engine.catalogue import read_folder
from engine.names import identifier
from tasks import details
from tests.tasks.world import PROCESSES, World

COUNTERSIGN = """
      <bpmn:userTask id="countersign_answer" name="法规处会签">
        <bpmn:extensionElements>
          <spiffworkflow:properties>
            <spiffworkflow:property name="status" value='"法规处会签中"' />
            <spiffworkflow:property name="phase" value="customs" />
            <spiffworkflow:property name="candidateGroups" value='"section_chief:" + issue.office' />
          </spiffworkflow:properties>
        </bpmn:extensionElements>
      </bpmn:userTask>
      <bpmn:sequenceFlow id="flow_countersigned" sourceRef="countersign_answer" targetRef="answered_by_customs" />
"""
FORM = {
    "type": "default",
    "id": "countersign_answer",
    "components": [
        {
            "type": "radio",
            "key": "opinion",
            "label": "会签意见",
            "validate": {"required": True},
            "values": [{"label": "同意答复", "value": "agree"}, {"label": "有保留", "value": "reserve"}],
        },
        {
            "type": "textarea",
            "key": "grounds",
            "label": "依据",
            "validate": {"maxLength": 500},
            "properties": {"requiredWhen": '=opinion = "reserve"'},
        },
    ],
}


def add_countersigning(files: dict[str, str]) -> dict[str, str]:
    """The issue process with 法规处会签 between the answer and the end of customs' part."""
    flow = re.compile(r'(<bpmn:sequenceFlow id="customs_answered"[^>]*targetRef=")answered_by_customs(")')
    diagram, changed = flow.subn(r"\1countersign_answer\2", files["issue.bpmn"])
    assert changed == 1
    diagram = diagram.replace("</bpmn:subProcess>", f"{COUNTERSIGN}</bpmn:subProcess>", 1)
    # The diagram says both ends of a flow; the analyst's editor writes them, here the test does.
    diagram = diagram.replace(
        "<bpmn:incoming>customs_answered</bpmn:incoming>",
        "<bpmn:incoming>flow_countersigned</bpmn:incoming>",
        1,
    )
    form = json.dumps(FORM, ensure_ascii=False)
    return files | {"issue.bpmn": diagram, "issue/countersign_answer.form": form}


@pytest.mark.parametrize("task_id", ["countersign_answer", "sid-36EA5B4C-1D4C", "_2", "会签.1"])
async def test_an_added_task_is_done_and_shown_without_new_code(world: World, task_id: str) -> None:
    session, issue_engine, now = world.session, world.engine, world.now
    files = add_countersigning(read_folder(PROCESSES, "issue"))
    files["issue.bpmn"] = files["issue.bpmn"].replace('"countersign_answer"', f'"{task_id}"')
    files[f"issue/{identifier(task_id)}.form"] = files.pop("issue/countersign_answer.form")
    definition, is_new = await issue_engine.catalogue.deploy(session, "issue", files, actor=None, now=now)
    assert (definition.version, is_new) == (2, True)

    issue = await world.at_customs()
    await world.claim("handler", issue.id)
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以办理。")
    assert (await world.issue(issue.id)).status == "法规处会签中"
    await world.claim("chief", issue.id, task_id)
    world.pass_time(hours=3)
    await world.complete("chief", issue.id, task_id, opinion="reserve", grounds="建议补充引用公告全文。")
    assert (await world.issue(issue.id)).status == "已完成"
    await world.complete("staff", issue.id, "evaluate_answer", rating=1)
    await world.complete("boss", issue.id, "evaluate_answer", rating=1)
    assert (await world.issue(issue.id)).status == "已清零"

    detail = await details.get_issue(session, issue_engine, world.people["staff"], issue.id)
    assert [
        (task.name, task.completed_by_name, [(one.label, one.text) for one in task.answers])
        for task in detail.other_answers
    ] == [("法规处会签", "黄勇", [("会签意见", "有保留"), ("依据", "建议补充引用公告全文。")])]

    timeline = await details.timeline(session, issue_engine, world.people["staff"], issue.id)
    [entry] = [one for one in timeline if one.element_id == task_id and one.kind == "task_completed"]
    assert (entry.text, entry.actor_name, entry.waited_s) == ("完成“法规处会签”", "黄勇", 3 * 3600)
    assert [one.text for one in entry.answers] == ["有保留", "建议补充引用公告全文。"]

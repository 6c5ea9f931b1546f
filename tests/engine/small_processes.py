"""Two small processes for tests of the engine, an order and a vote, with the operators and functions that they name."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from engine.context import StepContext
from errors import Refusal

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"
    id="definitions" targetNamespace="http://example.org/tests">
"""
FORM = '{"components": [{"type": "textfield", "key": "note", "label": "说明"}]}'


def properties(**values: str) -> str:
    """The extension elements of an activity or event."""
    lines = "".join(
        f'<spiffworkflow:property name="{name}" value="{value.replace(chr(34), "&quot;")}" />'
        for name, value in values.items()
    )
    return f"<bpmn:extensionElements><spiffworkflow:properties>{lines}</spiffworkflow:properties></bpmn:extensionElements>"


def service(element_id: str, operator: str, result: str = "", **parameters: str) -> str:
    """A service task with its operator and parameters."""
    lines = "".join(
        f'<spiffworkflow:parameter id="{name}" type="any" value="{value.replace(chr(34), "&quot;")}" />'
        for name, value in parameters.items()
    )
    return f"""<bpmn:serviceTask id="{element_id}" name="{element_id}"><bpmn:extensionElements>
    <spiffworkflow:serviceTaskOperator id="{operator}"{f' resultVariable="{result}"' if result else ""}>
    <spiffworkflow:parameters>{lines}</spiffworkflow:parameters></spiffworkflow:serviceTaskOperator>
    </bpmn:extensionElements></bpmn:serviceTask>"""


def flows(*pairs: str) -> str:
    """Sequence flows written `a>b`, or `a>b?condition`."""
    drawn: list[str] = []
    for pair in pairs:
        ends, _, condition = pair.partition("?")
        source, target = ends.split(">")
        inside = f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression>'
        drawn.append(
            f'<bpmn:sequenceFlow id="{source}_to_{target}" sourceRef="{source}" targetRef="{target}">'
            f"{inside if condition else ''}</bpmn:sequenceFlow>"
        )
    return "".join(drawn)


def draw_order(*, check_id: str = "check_order", remark: str = "") -> dict[str, str]:
    """fill_order (save_order) → set_price → check_order with two timers and a cancelling message → again or done.

    `check_id` renames the checking task, `remark` changes nothing but the text.
    """
    fill = properties(
        candidateGroups='"clerk:1"',
        claimFor="order.clerk",
        status='"待填写"',
        statusClaimed='"填写中"',
        phase="draft",
        onComplete="save_order",
        resultVariable="order",
    )
    check = properties(
        candidateGroups='["chief:" + order.office, "auditor"]',
        dueDate="deadline.due_at",
        status='"待审核"',
        statusClaimed='"审核中"',
        phase="review",
    )
    body = f"""{HEAD}<bpmn:message id="cancel_message" name="cancel_order" />
<bpmn:process id="order" name="订单{remark}" isExecutable="true">
<bpmn:startEvent id="began" />
<bpmn:userTask id="fill_order" name="填写订单">{fill}</bpmn:userTask>
{service("set_price", "price_order", "deadline", amount="fill_order.amount")}
<bpmn:userTask id="{check_id}" name="审核订单">{check}</bpmn:userTask>
<bpmn:boundaryEvent id="check_late" attachedToRef="{check_id}" cancelActivity="false">
  <bpmn:timerEventDefinition><bpmn:timeDate>deadline.due_at</bpmn:timeDate></bpmn:timerEventDefinition>
</bpmn:boundaryEvent>
<bpmn:boundaryEvent id="check_expired" attachedToRef="{check_id}">
  <bpmn:timerEventDefinition><bpmn:timeDuration>P30D</bpmn:timeDuration></bpmn:timerEventDefinition>
</bpmn:boundaryEvent>
<bpmn:boundaryEvent id="cancel_order" attachedToRef="{check_id}">
  <bpmn:messageEventDefinition messageRef="cancel_message" />
</bpmn:boundaryEvent>
{service("remind_chief", "remind", order="order.office")}
<bpmn:endEvent id="reminded" />
<bpmn:exclusiveGateway id="checked" default="checked_to_done" />
<bpmn:endEvent id="done">{properties(status='"已完成"', phase="closed")}</bpmn:endEvent>
<bpmn:endEvent id="expired">{properties(status='"已过期"', phase="closed")}</bpmn:endEvent>
<bpmn:endEvent id="cancelled">{properties(status='"已撤销"', phase="closed")}</bpmn:endEvent>
{
        flows(
            "began>fill_order",
            "fill_order>set_price",
            f"set_price>{check_id}",
            f"{check_id}>checked",
            f'checked>fill_order?{check_id}.decision == "again"',
            "checked>done",
            "check_late>remind_chief",
            "remind_chief>reminded",
            "check_expired>expired",
            "cancel_order>cancelled",
        )
    }
</bpmn:process></bpmn:definitions>"""
    return {"order.bpmn": body, "order/fill_order.form": FORM, f"order/{check_id}.form": FORM}


def draw_vote() -> dict[str, str]:
    """A parallel multi-instance task, one for each of `poll.voters`, ended by the first who says stop or by a timer."""
    body = f"""{HEAD}<bpmn:process id="vote" name="表决" isExecutable="true">
<bpmn:property id="given_poll" name="poll" />
<bpmn:property id="poll.voters" name="voters" />
<bpmn:startEvent id="began" />
<bpmn:userTask id="cast_vote" name="投票">{properties(assignee="voter", status='"表决中"', phase="vote")}
  <bpmn:multiInstanceLoopCharacteristics isSequential="false">
    <bpmn:loopDataInputRef>poll.voters</bpmn:loopDataInputRef>
    <bpmn:inputDataItem id="voter" name="voter" />
    <bpmn:completionCondition xsi:type="bpmn:tFormalExpression">cast_vote.stop == true</bpmn:completionCondition>
  </bpmn:multiInstanceLoopCharacteristics>
</bpmn:userTask>
<bpmn:boundaryEvent id="vote_over" attachedToRef="cast_vote">
  <bpmn:timerEventDefinition><bpmn:timeDuration>P15D</bpmn:timeDuration></bpmn:timerEventDefinition>
</bpmn:boundaryEvent>
<bpmn:endEvent id="decided">{properties(status='"已表决"', phase="closed")}</bpmn:endEvent>
{flows("began>cast_vote", "cast_vote>decided", "vote_over>decided")}
</bpmn:process></bpmn:definitions>"""
    return {"vote.bpmn": body, "vote/cast_vote.form": FORM}


class TooDear(Refusal):
    """金额过大。"""


async def save_order(context: StepContext) -> dict[str, Any]:
    """Remembers who filled in the order; `notes` tells the test what it was given."""
    context.shared.setdefault("notes", []).append(dict(context.answers))
    return {"office": context.answers["office"], "clerk": str(context.actor)}


async def price_order(context: StepContext, /, *, amount: int) -> dict[str, Any]:
    """Refuses 1000 and more, breaks at 13, and gives a deadline in two days."""
    if amount >= 1000:
        raise TooDear(amount=amount)
    if amount == 13:
        raise ZeroDivisionError("unlucky")
    if amount == 7:
        context.reschedule("check_late", context.now + timedelta(days=9))
    return {"due_at": context.now + timedelta(days=2)}


async def remind(context: StepContext, /, *, order: str) -> None:
    """Breaks for office 9, tells the others."""
    if order == "9":
        raise ConnectionError("no line to office 9")
    context.shared.setdefault("reminded", []).append(order)


def in_days(now: datetime, days: int) -> datetime:
    """The function `in_days(n)`."""
    return now + timedelta(days=days)


OPERATORS = {"save_order": save_order, "price_order": price_order, "remind": remind}
FUNCTIONS = {"in_days": in_days}
ANN, BEN, CAT = (UUID(int=number, version=4) for number in (uuid4().int, uuid4().int, uuid4().int))

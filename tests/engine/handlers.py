"""Event sub-processes and their triggers, written in place."""

from __future__ import annotations

from tests.engine.process_files import flows, properties, user

NAMES = """<bpmn:message id="ask_message" name="ask"/><bpmn:message id="stop_message" name="stop"/>
<bpmn:error id="lost_error" name="lost" errorCode="lost"/><bpmn:error id="late_error" name="late" errorCode="late"/>
<bpmn:escalation id="help_escalation" name="help" escalationCode="help"/><bpmn:signal id="calm_signal" name="calm"/>"""


def by(kind: str, name: str = "") -> str:
    """What happens, by its kind and the name of what is sent, thrown or caught; none: any."""
    reference = f' {kind}Ref="{name}_{kind}"' if name else ""
    return f"<bpmn:{kind}EventDefinition{reference}/>"


def at(form: str, expression: str) -> str:
    """A timer's time."""
    return f"<bpmn:timerEventDefinition><bpmn:{form}>{expression}</bpmn:{form}></bpmn:timerEventDefinition>"


def when(expression: str) -> str:
    """A condition."""
    return f"<bpmn:conditionalEventDefinition><bpmn:condition>{expression}</bpmn:condition></bpmn:conditionalEventDefinition>"


def end(element_id: str, thrown: str = "", **values: str) -> str:
    """An end event."""
    return f'<bpmn:endEvent id="{element_id}">{properties(**values)}{thrown}</bpmn:endEvent>'


def throw(element_id: str, thrown: str) -> str:
    """An event thrown on the way."""
    return f'<bpmn:intermediateThrowEvent id="{element_id}">{thrown}</bpmn:intermediateThrowEvent>'


def boundary(element_id: str, host: str, caught: str, *, interrupting: bool = True) -> str:
    """An event at an activity's boundary."""
    attributes = f'attachedToRef="{host}" cancelActivity="{str(interrupting).lower()}"'
    return f'<bpmn:boundaryEvent id="{element_id}" {attributes}>{caught}</bpmn:boundaryEvent>'


def sub(element_id: str, body: str) -> str:
    """A sub-process."""
    return f'<bpmn:subProcess id="{element_id}">{body}</bpmn:subProcess>'


def handler(
    element_id: str, caught: str, *, interrupting: bool = True, thrown: str = "", more: str = ""
) -> str:
    """An event sub-process `x`: started by `x_begins`, a user task `do_x`, an end `x_ends`."""
    begins, task, ends = f"{element_id}_begins", f"do_{element_id}", f"{element_id}_ends"
    return (
        f'<bpmn:subProcess id="{element_id}" triggeredByEvent="true">'
        f'<bpmn:startEvent id="{begins}" isInterrupting="{str(interrupting).lower()}">{caught}</bpmn:startEvent>'
        + user(task, status=f'"在{element_id}"', phase=element_id)
        + end(ends, thrown, status=f'"经{element_id}结束"', phase="closed")
        + flows(f"{begins} > {task} > {ends}")
        + f"{more}</bpmn:subProcess>"
    )

"""The library's BPMN parser with this engine's own behaviours in the places of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.any_folder import VALIDATOR

# isort: split
from lxml import etree
from SpiffWorkflow.bpmn.parser.event_parsers import (
    CONDITIONAL_EVENT_XPATH,
    ERROR_EVENT_XPATH,
    ESCALATION_EVENT_XPATH,
    MESSAGE_EVENT_XPATH,
    SIGNAL_EVENT_XPATH,
    TIMER_EVENT_XPATH,
    EventBasedGatewayParser,
)
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.defaults import EndEvent, IntermediateThrowEvent
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition
from SpiffWorkflow.spiff.parser import SpiffBpmnParser
from SpiffWorkflow.spiff.parser.event_parsers import (
    SpiffBoundaryEventParser,
    SpiffEndEventParser,
    SpiffIntermediateCatchEventParser,
    SpiffIntermediateThrowEventParser,
    SpiffReceiveTaskParser,
    SpiffSendTaskParser,
    SpiffStartEventParser,
)
from SpiffWorkflow.spiff.parser.process import SpiffProcessParser
from SpiffWorkflow.spiff.parser.task_spec import (
    CallActivityParser,
    ServiceTaskParser,
    SpiffTaskParser,
    SubWorkflowParser,
    UserTaskParser,
)
from SpiffWorkflow.spiff.specs.defaults import SendTask, UserTask

from engine import activities, events, outward, scopes
from engine.decisions import Decision
from engine.timers import is_iso_time

READ_ONLY = (
    *(
        "textAnnotation",
        "group",
        "association",
        "ioSpecification",
        "dataInput",
        "dataOutput",
        "inputSet",
        "outputSet",
    ),
    *("dataObject", "dataObjectReference", "dataStore", "dataStoreReference"),
    *("dataInputAssociation", "dataOutputAssociation"),
)
"""What a diagram may hold beside what runs: drawings and notes. Data are the instance's variables here."""

SPIFF = "{http://spiffworkflow.org/bpmn/schema/1.0/core}"


def is_event_subprocess(node: etree._Element | None) -> bool:
    """Whether an element is a sub-process that is started by an event and not by a flow."""
    return node is not None and node.get("triggeredByEvent") == "true"


def is_interrupting(node: etree._Element) -> bool:
    """Whether an event ends what it stands on: an activity's boundary, the scope of an event sub-process."""
    return "false" not in (node.get("cancelActivity"), node.get("isInterrupting"))


def as_expression(text: str | None) -> str:
    """A timer's text as an expression: ISO times may stand there without quotes, as other tools write them."""
    stripped = (text or "").strip()
    return f'"{stripped}"' if is_iso_time(stripped) else stripped


class _Repeating(SpiffTaskParser):
    STANDARD_LOOP_CLASS = activities.StandardLoop
    PARALLEL_MI_CLASS = activities.ParallelMultiInstance
    SEQUENTIAL_MI_CLASS = activities.SequentialMultiInstance


class _Task(_Repeating):
    pass


class _UserTask(_Repeating, UserTaskParser):
    pass


class _ServiceTask(_Repeating, ServiceTaskParser):
    pass


class _SubProcess(_Repeating, SubWorkflowParser):
    def create_task(self) -> Any:
        # The library looks for the attribute in a namespace, where it never is.
        if is_event_subprocess(self.node):
            self.spec_class = activities.EventSubProcess
        return super().create_task()


class _CallActivity(_Repeating, CallActivityParser):
    pass


class _BusinessRuleTask(_Repeating):
    def create_task(self) -> Any:
        reference = self.get_decision_ref(self.node)
        decision = self.process_parser.parser.decisions.get(reference)
        if decision is None:
            raise ValidationException(f"没有决策表“{reference}”", node=self.node, file_name=self.filename)
        return self.spec_class(self.spec, self.bpmn_id, decision=decision, **self.bpmn_attributes)

    @staticmethod
    def get_decision_ref(node: etree._Element) -> str | None:
        return node.findtext(f"{{*}}extensionElements/{SPIFF}calledDecisionId")


class _Events(SpiffTaskParser):
    """The event definitions of this engine, each knowing the element that it stands on."""

    def parse_timer_event(self, event: etree._Element) -> events.Timer:
        for form in ("timeDate", "timeDuration", "timeCycle"):
            node = event.find(f"{{*}}{form}")
            if node is not None:
                return events.Timer(self.bpmn_id, form, as_expression(node.text))
        raise self._refused("定时事件没有写时间")

    def parse_message_event(self, message_event: etree._Element) -> events.Message:
        name = self._named("messages", message_event.get("messageRef"), "消息")
        variable = message_event.findtext(f".//{SPIFF}messageVariable")
        payload = message_event.findtext(f".//{SPIFF}messagePayload")
        return events.Message(name, self.bpmn_id, variable, payload)

    def parse_signal_event(self, signal_event: etree._Element) -> events.Signal:
        return events.Signal(self._named("signals", signal_event.get("signalRef"), "信号"))

    def parse_conditional_event(self, event: etree._Element) -> events.Condition:
        expression = (event.findtext("{*}condition") or "").strip()
        if not expression:
            raise self._refused("条件事件没有写条件")
        return events.Condition(self.bpmn_id, expression)

    def parse_error_event(self, error_event: etree._Element) -> outward.Error:
        return outward.Error(self.bpmn_id, self._code("errors", error_event.get("errorRef"), "error_code"))

    def parse_escalation_event(self, escalation_event: etree._Element) -> outward.Escalation:
        code = self._code("escalations", escalation_event.get("escalationRef"), "escalation_code")
        return outward.Escalation(self.bpmn_id, code)

    def _named(self, table: str, reference: str | None, what: str) -> str:
        name = getattr(self.process_parser.parser, table).get(reference)
        if not name:
            raise self._refused(f"引用的{what}不存在或没有名称")
        return name

    def _code(self, table: str, reference: str | None, field: str) -> str | None:
        if reference is None:
            return None
        entry = getattr(self.process_parser.parser, table).get(reference)
        if entry is None:
            raise self._refused("引用的错误或升级代码不存在")
        return entry[field]

    def _refused(self, message: str) -> ValidationException:
        return ValidationException(message, node=self.node, file_name=self.filename)


class _StartEvent(_Events, SpiffStartEventParser):
    def create_task(self) -> Any:
        # What starts an event sub-process waits in the scope around it; a process is started by the program, and a message
        # that is said to start it is waited for by nobody.
        task = self._create_task(NoneEventDefinition())
        self.spec.start.connect(task)
        return task


class _EventStart(_Events, SpiffStartEventParser):
    """The start event of an event sub-process, parsed for the scope around it."""

    TRIGGERS = (
        ERROR_EVENT_XPATH,
        ESCALATION_EVENT_XPATH,
        MESSAGE_EVENT_XPATH,
        SIGNAL_EVENT_XPATH,
        TIMER_EVENT_XPATH,
        CONDITIONAL_EVENT_XPATH,
    )

    def create_task(self) -> Any:
        definition = self.get_event_definition(self.TRIGGERS)
        if isinstance(definition, NoneEventDefinition):
            raise self._refused("事件子流程的开始事件没有触发条件")
        return self._create_task(definition, is_interrupting(self.node))


class _EndEvent(_Events, SpiffEndEventParser):
    pass


class _BoundaryEvent(_Events, SpiffBoundaryEventParser):
    pass


class _CatchEvent(_Events, SpiffIntermediateCatchEventParser):
    pass


class _ThrowEvent(_Events, SpiffIntermediateThrowEventParser):
    pass


class _SendTask(_Events, SpiffSendTaskParser):
    pass


class _ReceiveTask(_Events, SpiffReceiveTaskParser):
    pass


class _EventGateway(EventBasedGatewayParser):
    def create_task(self) -> Any:
        return self._create_task(events.FirstOfEvents())


class _Process(SpiffProcessParser):
    def create_spec(self) -> Any:
        spec = super().create_spec()
        if self._event_subprocesses():
            spec = scopes.ScopeSpec(name=spec.name, description=spec.description, filename=self.filename)
        # Parts of the library's own have names that an element may have as well.
        names = {name: f"{name} [own]" if name in self.nodes_by_id else name for name in spec.task_specs}
        for name, part in list(spec.task_specs.items()):
            part.name = names[name]
            part._inputs = [names[each] for each in part._inputs]
            part._outputs = [names[each] for each in part._outputs]
        spec.task_specs = {names[name]: part for name, part in spec.task_specs.items()}
        return spec

    def _index_process_nodes(self) -> None:
        super()._index_process_nodes()
        # Operators and their parameters have ids too, often the same as the task's: they are no flow nodes.
        self.nodes_by_id = {node.get("id"): node for node in self.xpath(".//bpmn:*[@id]")}

    def add_tasks(self) -> None:
        if not self._event_subprocesses():
            super().add_tasks()
            return
        starts = self.xpath("./bpmn:startEvent")
        if len(starts) != 1:
            raise ValidationException("须有一个开始事件", node=self.node, file_name=self.filename)
        self.parse_node(starts[0])
        for node in self._event_subprocesses():
            subprocess = self.parse_node(node)
            for start in node.iterchildren(full_tag("startEvent")):
                trigger = _EventStart(self, scopes.EventStart, start, self.nsmap, lane=self.lane)
                self.spec.listen(trigger.create_task(), subprocess)

    def _event_subprocesses(self) -> list[etree._Element]:
        return [node for node in self.xpath("./bpmn:subProcess") if is_event_subprocess(node)]


class DiagramParser(SpiffBpmnParser):
    """Parses the diagrams of one process; `decisions` are the tables its business rule tasks may call."""

    PROCESS_PARSER_CLASS = _Process
    OVERRIDE_PARSER_CLASSES: ClassVar[dict[str, Any]] = {
        **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
        full_tag("task"): (_Task, activities.PlainTask),
        full_tag("userTask"): (_UserTask, UserTask),
        full_tag("serviceTask"): (_ServiceTask, activities.ServiceTask),
        full_tag("businessRuleTask"): (_BusinessRuleTask, activities.BusinessRuleTask),
        full_tag("subProcess"): (_SubProcess, activities.SubWorkflowTask),
        full_tag("callActivity"): (_CallActivity, activities.CallActivity),
        full_tag("startEvent"): (_StartEvent, events.StartEvent),
        full_tag("endEvent"): (_EndEvent, EndEvent),
        full_tag("boundaryEvent"): (_BoundaryEvent, events.BoundaryEvent),
        full_tag("intermediateCatchEvent"): (_CatchEvent, events.IntermediateCatchEvent),
        full_tag("intermediateThrowEvent"): (_ThrowEvent, IntermediateThrowEvent),
        full_tag("sendTask"): (_SendTask, SendTask),
        full_tag("receiveTask"): (_ReceiveTask, events.ReceiveTask),
        full_tag("eventBasedGateway"): (_EventGateway, events.EventBasedGateway),
    }

    def __init__(self, decisions: dict[str, Decision]) -> None:
        super().__init__()
        self.decisions = decisions

    def add_bpmn_xml(self, bpmn: etree._Element, filename: str | None = None) -> None:
        """Add a diagram, and take out of it what is only there to be read: the library would look for what that stands for."""
        VALIDATOR.validate(bpmn, filename)
        for node in list(bpmn.iter(*(full_tag(tag) for tag in READ_ONLY))):
            parent = node.getparent()
            if parent is not None:
                parent.remove(node)
        super().add_bpmn_xml(bpmn, filename)

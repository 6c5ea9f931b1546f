"""Diagrams with one mistake each, and what the validator must say: the rule and the element.

GOOD is a small process that passes. A row changes it: `replace` swaps pieces of its text, `add` puts more into the process,
`outside` beside it, `files` adds or takes away files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FORM = '{"type": "default", "components": [{"type": "textfield", "key": "note", "label": "说明"}]}'
TEXTS = "told:\n  title: 通知\n  text: 已经办好\n"
TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="tables" name="t" namespace="n">
<decision id="choose" name="选择"><decisionTable id="table" hitPolicy="UNIQUE">
<input id="in"><inputExpression id="of" typeRef="string"><text>fill.note</text></inputExpression></input>
<output id="out" name="days" typeRef="number"/>
<rule id="row"><inputEntry id="cell"><text>"急"</text></inputEntry><outputEntry id="value"><text>1</text></outputEntry></rule>
</decisionTable></decision></definitions>"""

GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
  xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"
  id="definitions" targetNamespace="http://example.org/tests">
<bpmn:message id="stop_message" name="stop"/>
<bpmn:error id="late_error" name="late" errorCode="late"/>
<bpmn:process id="small" isExecutable="true">
<bpmn:property id="given_clock" name="clock"/>
<bpmn:startEvent id="begin"/>
<bpmn:userTask id="fill" name="填写"><bpmn:extensionElements><spiffworkflow:properties>
<spiffworkflow:property name="candidateGroups" value="&quot;clerks&quot;"/>
<spiffworkflow:property name="status" value="&quot;待填写&quot;"/>
<spiffworkflow:property name="phase" value="draft"/>
</spiffworkflow:properties></bpmn:extensionElements></bpmn:userTask>
<bpmn:exclusiveGateway id="choice" name="急否" default="calm"/>
<bpmn:serviceTask id="tell" name="通知"><bpmn:extensionElements>
<spiffworkflow:serviceTaskOperator id="notify"><spiffworkflow:parameters>
<spiffworkflow:parameter id="template" type="any" value="&quot;told&quot;"/>
</spiffworkflow:parameters></spiffworkflow:serviceTaskOperator></bpmn:extensionElements></bpmn:serviceTask>
<bpmn:endEvent id="done"/>
<bpmn:sequenceFlow id="first" sourceRef="begin" targetRef="fill"/>
<bpmn:sequenceFlow id="second" sourceRef="fill" targetRef="choice"/>
<bpmn:sequenceFlow id="urgent" sourceRef="choice" targetRef="tell">
<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">fill.note = "急"</bpmn:conditionExpression></bpmn:sequenceFlow>
<bpmn:sequenceFlow id="calm" sourceRef="choice" targetRef="done"/>
<bpmn:sequenceFlow id="third" sourceRef="tell" targetRef="done"/>
</bpmn:process>
</bpmn:definitions>
"""
GOOD_FILES = {"small.bpmn": GOOD, "small/fill.form": FORM, "small/texts.yaml": TEXTS, "tables.dmn": TABLE}


@dataclass(frozen=True)
class Bad:
    """One mistake: a word for it, the rule and element that must be found, and how GOOD_FILES is changed."""

    what: str
    rule: str
    element: str
    replace: Mapping[str, str] = field(default_factory=dict)
    add: str = ""
    outside: str = ""
    files: Mapping[str, str | None] = field(default_factory=dict)
    file: str = "small.bpmn"

    def build(self) -> dict[str, str]:
        """The files with the mistake; KeyError if a piece to replace is not there."""
        body = GOOD
        for old, new in self.replace.items():
            if old not in body:
                raise KeyError(old)
            body = body.replace(old, new)
        body = body.replace("</bpmn:process>", f"{self.add}</bpmn:process>", 1)
        body = body.replace("</bpmn:definitions>", f"{self.outside}</bpmn:definitions>", 1)
        changed: dict[str, str | None] = {**GOOD_FILES, "small.bpmn": body, **self.files}
        return {name: text for name, text in changed.items() if text is not None}


def flow(source: str, target: str, inside: str = "") -> str:
    """A sequence flow named after its ends."""
    return f'<bpmn:sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{inside}</bpmn:sequenceFlow>'


def user_task(element_id: str) -> str:
    """A user task with somebody to do it."""
    return (
        f'<bpmn:userTask id="{element_id}"><bpmn:extensionElements><spiffworkflow:properties>'
        '<spiffworkflow:property name="candidateGroups" value="&quot;clerks&quot;"/>'
        "</spiffworkflow:properties></bpmn:extensionElements></bpmn:userTask>"
    )


def through(middle: str, name: str = "middle") -> Mapping[str, str]:
    """Put an element between the start and the form; its id must be `name`."""
    return {
        '<bpmn:sequenceFlow id="first" sourceRef="begin" targetRef="fill"/>': middle
        + flow("begin", name)
        + flow(name, "fill")
    }


def boundary(inside: str, more: str = "", host: str = "fill") -> str:
    """A boundary event `edge` that leads to its own end."""
    return (
        f'<bpmn:boundaryEvent id="edge" attachedToRef="{host}"{more}>{inside}</bpmn:boundaryEvent>'
        f'<bpmn:endEvent id="over"/>{flow("edge", "over")}'
    )


def condition(text: str) -> str:
    """A condition to put inside a flow."""
    return f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{text}</bpmn:conditionExpression>'


TIMER = "<bpmn:timerEventDefinition><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition>"
FILL_PEOPLE = '<spiffworkflow:property name="candidateGroups" value="&quot;clerks&quot;"/>\n'
CONDITION = 'fill.note = "急"'
SUB = (
    '<bpmn:subProcess id="middle"{more}><bpmn:startEvent id="in"/><bpmn:endEvent id="out"/>{inside}'
    + flow("in", "out")
    + "</bpmn:subProcess>"
)


def form(component: str) -> Mapping[str, str | None]:
    """The form of `fill` with one more component."""
    return {"small/fill.form": FORM.replace("]}", f", {component}]}}")}


def handler(start: str, more: str = "", name: str = "handler", attributes: str = "") -> str:
    """An event sub-process whose start event is triggered by this."""
    begins, ends = f"{name}_in", f"{name}_out"
    return (
        f'<bpmn:subProcess id="{name}" triggeredByEvent="true">{more}'
        f'<bpmn:startEvent id="{begins}"{attributes}>{start}</bpmn:startEvent>'
        f'<bpmn:endEvent id="{ends}"/>{flow(begins, ends)}</bpmn:subProcess>'
    )


FIRST = '<bpmn:property id="given_clock" name="clock"/>'
MESSAGE = '<bpmn:messageEventDefinition messageRef="stop_message"/>'
ERROR = '<bpmn:errorEventDefinition errorRef="late_error"/>'
ESCALATION = '<bpmn:escalationEventDefinition escalationRef="up"/>'
CAUGHT = f'<bpmn:intermediateCatchEvent id="{{}}">{MESSAGE}</bpmn:intermediateCatchEvent>'
RECEIVED = '<bpmn:receiveTask id="{}" messageRef="stop_message"/>'
LATER = f'<bpmn:intermediateCatchEvent id="{{}}">{TIMER}</bpmn:intermediateCatchEvent>'
CALLED = (
    '<bpmn:process id="other"><bpmn:startEvent id="a"/><bpmn:endEvent id="b"/>'
    + flow("a", "b")
    + "</bpmn:process>"
)


def waiting(*events: str) -> Mapping[str, str]:
    """An event gateway `middle` before these events, `one` and `two`."""
    names = ("one", "two")[: len(events)]
    first = '<bpmn:sequenceFlow id="first" sourceRef="begin" targetRef="fill"/>'
    ways = "".join(flow("middle", name) + flow(name, "fill") for name in names)
    return {first: '<bpmn:eventBasedGateway id="middle"/>' + "".join(events) + flow("begin", "middle") + ways}


def twice(one: str, other: str, host: str = "fill") -> str:
    """Two boundary events, `edge` and `edge2`, on one host."""
    second = boundary(other, host=host).replace('"edge', '"edge2').replace('"over', '"over2')
    return boundary(one, host=host) + second.replace('"edge2_over"', '"edge2_over2"')


def ending(inside: str) -> Mapping[str, str]:
    """The end with something in it."""
    return {'<bpmn:endEvent id="done"/>': f'<bpmn:endEvent id="done">{inside}</bpmn:endEvent>'}


def inside_with(more: str) -> str:
    """A subprocess `middle` with something more inside."""
    return SUB.format(more="", inside=more)


def repeated(inside: str) -> Mapping[str, str]:
    """The task `fill` done several times."""
    return {
        "</bpmn:userTask>": f"<bpmn:multiInstanceLoopCharacteristics>{inside}"
        "</bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>"
    }


def add_first(piece: str) -> Mapping[str, str]:
    """Something more at the beginning of the process."""
    return {FIRST: FIRST + piece}


def timed(form: str, text: str) -> str:
    """A timer."""
    return f"<bpmn:timerEventDefinition><bpmn:{form}>{text}</bpmn:{form}></bpmn:timerEventDefinition>"


STEPS = [f"step{number}" for number in range(200)]
CHAIN = {
    '<bpmn:sequenceFlow id="first" sourceRef="begin" targetRef="fill"/>': "".join(
        [f'<bpmn:task id="{step}"/>' for step in STEPS]
        + [flow(one, other) for one, other in zip(["begin", *STEPS], [*STEPS, "fill"], strict=True)]
    )
}

OTHER = GOOD[: GOOD.index("<bpmn:process")].replace('name="stop"', 'name="halt"') + (
    '<bpmn:process id="other" isExecutable="false"><bpmn:startEvent id="a"/><bpmn:endEvent id="b"/>'
    f"{flow('a', 'b')}</bpmn:process></bpmn:definitions>"
)
"""A second file, with another message of the same id."""

BAD = [
    # Files
    Bad("a DOCTYPE", "doctype", "", {"<bpmn:definitions": "<!DOCTYPE x><bpmn:definitions"}),
    Bad("an entity", "doctype", "", {"<bpmn:definitions": '<!DOCTYPE x [<!ENTITY a "b">]><bpmn:definitions'}),
    Bad(
        "five megabytes",
        "too-large",
        "",
        {"</bpmn:definitions>": f"<!--{'x' * 5_000_000}--></bpmn:definitions>"},
    ),
    Bad("no XML", "not-xml", "", files={"small.bpmn": "%PDF-1.7 not a diagram"}),
    Bad("nothing", "not-xml", "", files={"small.bpmn": ""}),
    Bad("half a file", "not-xml", "", {"</bpmn:definitions>": ""}),
    Bad("XML, but no BPMN", "not-bpmn", "", files={"small.bpmn": "<html><body/></html>"}),
    Bad(
        "no process",
        "not-bpmn",
        "",
        files={"small.bpmn": GOOD[: GOOD.index("<bpmn:process")] + "</bpmn:definitions>"},
    ),
    Bad("no diagram", "no-diagram", "", files={"small.bpmn": None}, file=""),
    Bad("a form that is no JSON", "not-json", "", files={"small/fill.form": "{"}, file="small/fill.form"),
    Bad(
        "texts that are no YAML", "not-yaml", "", files={"small/texts.yaml": "a: [b"}, file="small/texts.yaml"
    ),
    Bad("a table that is none", "bad-decision", "", files={"tables.dmn": "<a/>"}, file="tables.dmn"),
    # Scripts
    Bad(
        "a script task",
        "script",
        "middle",
        through('<bpmn:scriptTask id="middle"><bpmn:script>x = 1</bpmn:script></bpmn:scriptTask>'),
    ),
    Bad(
        "a script before a task",
        "script",
        "fill",
        {
            "<spiffworkflow:properties>": "<spiffworkflow:preScript>x = 1</spiffworkflow:preScript><spiffworkflow:properties>"
        },
    ),
    Bad(
        "a script after a task",
        "script",
        "tell",
        {
            "<spiffworkflow:serviceTaskOperator": "<spiffworkflow:postScript>x</spiffworkflow:postScript>"
            "<spiffworkflow:serviceTaskOperator"
        },
    ),
    Bad(
        "somebody else's script",
        "script",
        "fill",
        {
            "<spiffworkflow:properties>": '<c:listener xmlns:c="urn:c"><c:script>x</c:script></c:listener>'
            "<spiffworkflow:properties>"
        },
    ),
    # Not supported
    Bad("a complex gateway", "unsupported", "middle", through('<bpmn:complexGateway id="middle"/>')),
    Bad("a manual task", "unsupported", "middle", through('<bpmn:manualTask id="middle"/>')),
    Bad("an ad-hoc subprocess", "unsupported", "middle", through('<bpmn:adHocSubProcess id="middle"/>')),
    Bad(
        "a transaction",
        "unsupported",
        "middle",
        through(SUB.format(more="", inside="").replace("subProcess", "transaction")),
    ),
    Bad(
        "a way into an event sub-process",
        "event-subprocess-flow",
        "handler",
        {'targetRef="tell"': 'targetRef="handler"'},
        handler(TIMER),
    ),
    Bad("an event sub-process without a trigger", "event-without-trigger", "handler_in", add=handler("")),
    Bad(
        "an event sub-process with two starts",
        "several-starts",
        "handler",
        add=handler(
            TIMER, f'<bpmn:startEvent id="too">{TIMER}</bpmn:startEvent>{flow("too", "handler_out")}'
        ),
    ),
    Bad(
        "an error that does not interrupt",
        "wrong-trigger",
        "handler_in",
        add=handler(
            '<bpmn:errorEventDefinition errorRef="late_error"/>', attributes=' isInterrupting="false"'
        ),
    ),
    Bad(
        "an event sub-process that is repeated",
        "repetition",
        "handler",
        add=handler(
            TIMER,
            "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>true</bpmn:loopCondition></bpmn:standardLoopCharacteristics>",
        ),
    ),
    Bad(
        "an event at the boundary of an event sub-process",
        "boundary-host",
        "edge",
        add=handler(TIMER) + boundary(TIMER, host="handler"),
    ),
    Bad(
        "two event sub-processes for one message",
        "same-event-twice",
        "other",
        add=handler('<bpmn:messageEventDefinition messageRef="stop_message"/>')
        + handler('<bpmn:messageEventDefinition messageRef="stop_message"/>', name="other"),
    ),
    Bad(
        "a condition left open",
        "condition-missing",
        "edge",
        add=boundary(
            "<bpmn:conditionalEventDefinition><bpmn:condition> </bpmn:condition></bpmn:conditionalEventDefinition>"
        ),
    ),
    Bad(
        "a condition that does not compile",
        "bad-expression",
        "handler_in",
        add=handler(
            "<bpmn:conditionalEventDefinition><bpmn:condition>1 +</bpmn:condition></bpmn:conditionalEventDefinition>"
        ),
    ),
    Bad(
        "a link",
        "unsupported",
        "middle",
        through(
            '<bpmn:intermediateThrowEvent id="middle"><bpmn:linkEventDefinition name="l"/></bpmn:intermediateThrowEvent>'
        ),
    ),
    Bad("a compensation", "unsupported", "edge", add=boundary("<bpmn:compensateEventDefinition/>")),
    Bad("a cancel event", "unsupported", "edge", add=boundary("<bpmn:cancelEventDefinition/>")),
    Bad("two triggers", "several-triggers", "edge", add=boundary(TIMER + TIMER)),
    Bad(
        "an import",
        "unsupported",
        "definitions",
        {"<bpmn:message id": '<bpmn:import namespace="n" location="l" importType="t"/><bpmn:message id'},
    ),
    Bad(
        "a trigger from elsewhere",
        "unsupported",
        "begin",
        {
            '<bpmn:startEvent id="begin"/>': '<bpmn:startEvent id="begin">'
            "<bpmn:eventDefinitionRef>x</bpmn:eventDefinitionRef></bpmn:startEvent>"
        },
    ),
    # Ids
    Bad(
        "an id that is kept for the library's own parts",
        "reserved-id",
        "fill.BoundaryEventSplit",
        {'"begin"': '"fill.BoundaryEventSplit"'},
    ),
    Bad("an id with a space", "bad-id", "be gin", {'"begin"': '"be gin"'}),
    Bad("an id that begins with a digit", "bad-id", "1st", {'"begin"': '"1st"'}),
    Bad("an id of a process with a slash", "bad-id", "a/b", {'"small"': '"a/b"'}),
    Bad("an id that is too long", "bad-id", "b" * 40, {'"begin"': f'"{"b" * 201}"'}),
    Bad(
        "two tasks whose ids differ by a hyphen only",
        "id-clash",
        "fi_ll",
        {'"fill"': '"fi-ll"', "fill.note": "fi_ll.note"},
        user_task("fi_ll") + flow("fi_ll", "done"),
        files={"small/fill.form": None, "small/fi_ll.form": FORM},
    ),
    Bad(
        "two tasks whose ids differ by case only",
        "id-clash",
        "FILL",
        add=user_task("FILL") + flow("FILL", "done"),
        files={"small/FILL.form": FORM},
    ),
    Bad(
        "two forms of one task",
        "id-clash",
        "fill",
        files={"small/more/fill.form": FORM},
        file="small/more/fill.form",
    ),
    Bad(
        "an id twice",
        "duplicate-id",
        "tell",
        {'<bpmn:endEvent id="done"/>': '<bpmn:endEvent id="tell"/><bpmn:endEvent id="done"/>'},
    ),
    Bad(
        "an id in two files",
        "duplicate-id",
        "fill",
        files={"other.bpmn": GOOD.replace('"small"', '"other"')},
        file="other.bpmn",
    ),
    Bad(
        "a message with one id in two files",
        "duplicate-id",
        "stop_message",
        files={"other.bpmn": OTHER},
        file="other.bpmn",
    ),
    Bad(
        "two tables with one id",
        "duplicate-id",
        "choose",
        files={"more.dmn": TABLE},
        file="more.dmn",
    ),
    Bad(
        "a task named like a variable",
        "id-clash",
        "fill",
        {'Operator id="notify">': 'Operator id="notify" resultVariable="fill">'},
    ),
    # References
    Bad("a flow from nowhere", "dangling-reference", "third", {'sourceRef="tell"': 'sourceRef="gone"'}),
    Bad(
        "a flow to nowhere",
        "dangling-reference",
        "third",
        {'id="third" sourceRef="tell" targetRef="done"': 'id="third" sourceRef="tell" targetRef="gone"'},
    ),
    Bad(
        "a flow into a subprocess",
        "flow-across-scopes",
        "begin_out",
        through(SUB.format(more="", inside="")),
        add=flow("begin", "out"),
    ),
    Bad(
        "a message that is not there",
        "dangling-reference",
        "edge",
        add=boundary('<bpmn:messageEventDefinition messageRef="gone"/>'),
    ),
    Bad("no message", "dangling-reference", "edge", add=boundary("<bpmn:messageEventDefinition/>")),
    Bad(
        "a message without a name",
        "dangling-reference",
        "edge",
        {' name="stop"': ""},
        boundary('<bpmn:messageEventDefinition messageRef="stop_message"/>'),
    ),
    Bad(
        "a signal that is not there",
        "dangling-reference",
        "edge",
        add=boundary('<bpmn:signalEventDefinition signalRef="gone"/>'),
    ),
    Bad(
        "an error that is not there",
        "dangling-reference",
        "edge",
        through(SUB.format(more="", inside="")),
        boundary('<bpmn:errorEventDefinition errorRef="gone"/>', host="middle"),
    ),
    Bad("a host that is not there", "dangling-reference", "edge", add=boundary(TIMER, host="gone")),
    Bad("a default that is not its own", "default-flow", "choice", {'default="calm"': 'default="first"'}),
    Bad(
        "a call to nothing",
        "dangling-reference",
        "middle",
        through('<bpmn:callActivity id="middle" calledElement="gone"/>'),
    ),
    Bad(
        "a table that is not there",
        "dangling-reference",
        "middle",
        through(
            '<bpmn:businessRuleTask id="middle"><bpmn:extensionElements><spiffworkflow:calledDecisionId>gone'
            "</spiffworkflow:calledDecisionId></bpmn:extensionElements></bpmn:businessRuleTask>"
        ),
    ),
    Bad("no table", "dangling-reference", "middle", through('<bpmn:businessRuleTask id="middle"/>')),
    Bad(
        "data that is not there",
        "dangling-reference",
        "data",
        add='<bpmn:dataObjectReference id="data" dataObjectRef="gone"/>',
    ),
    Bad(
        "a lane with nobody",
        "dangling-reference",
        "lane",
        {
            '<bpmn:startEvent id="begin"/>': '<bpmn:laneSet id="lanes"><bpmn:lane id="lane"><bpmn:flowNodeRef>gone'
            '</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet><bpmn:startEvent id="begin"/>'
        },
    ),
    Bad(
        "a drawing of nothing",
        "dangling-drawing",
        "gone",
        outside='<bpmndi:BPMNDiagram id="d"><bpmndi:BPMNPlane id="p" bpmnElement="small">'
        '<bpmndi:BPMNShape id="s" bpmnElement="gone"><dc:Bounds x="0" y="0" width="1" height="1"/></bpmndi:BPMNShape>'
        "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>",
    ),
    Bad(
        "a message flow inside a pool",
        "message-flow-inside-pool",
        "letter",
        outside='<bpmn:collaboration id="c"><bpmn:participant id="pool" processRef="small"/>'
        '<bpmn:messageFlow id="letter" sourceRef="fill" targetRef="tell"/></bpmn:collaboration>',
    ),
    Bad(
        "an error with no name thrown",
        "dangling-reference",
        "done",
        {
            '<bpmn:endEvent id="done"/>': '<bpmn:endEvent id="done"><bpmn:errorEventDefinition/></bpmn:endEvent>'
        },
    ),
    Bad(
        "a flow noted at the wrong end",
        "dangling-reference",
        "done",
        {
            '<bpmn:endEvent id="done"/>': '<bpmn:endEvent id="done"><bpmn:incoming>first</bpmn:incoming></bpmn:endEvent>'
        },
    ),
    # Scopes
    Bad("no start", "no-start", "small", {'<bpmn:startEvent id="begin"/>': '<bpmn:task id="begin"/>'}),
    Bad("two starts", "several-starts", "small", add='<bpmn:startEvent id="again"/>' + flow("again", "done")),
    Bad(
        "no end",
        "no-end",
        "small",
        {'<bpmn:endEvent id="done"/>': '<bpmn:task id="done"/>' + flow("done", "fill")},
    ),
    Bad(
        "a subprocess without an end",
        "no-end",
        "middle",
        through('<bpmn:subProcess id="middle"><bpmn:startEvent id="in"/></bpmn:subProcess>'),
    ),
    Bad("an island", "unreachable", "island", add='<bpmn:task id="island"/>' + flow("island", "done")),
    Bad("no process to start", "main-process", "", {'isExecutable="true"': 'isExecutable="false"'}),
    Bad(
        "two processes to start",
        "main-process",
        "",
        outside='<bpmn:process id="two" isExecutable="true"><bpmn:startEvent id="a"/><bpmn:endEvent id="b"/>'
        + flow("a", "b")
        + "</bpmn:process>",
    ),
    # Flows and gateways
    Bad("a flow into the start", "incoming-flow", "begin", add=flow("tell", "begin")),
    Bad("a flow into a boundary event", "incoming-flow", "edge", add=boundary(TIMER) + flow("tell", "edge")),
    Bad("a flow out of the end", "outgoing-flow", "done", add=flow("done", "fill")),
    Bad(
        "a task without an exit",
        "dead-end",
        "tell",
        {'<bpmn:sequenceFlow id="third" sourceRef="tell" targetRef="done"/>': ""},
    ),
    Bad(
        "a boundary event without an exit",
        "dead-end",
        "edge",
        add=f'<bpmn:boundaryEvent id="edge" attachedToRef="fill">{TIMER}</bpmn:boundaryEvent>',
    ),
    Bad(
        "a gateway without an exit",
        "gateway-without-flow",
        "stuck",
        {'sourceRef="tell" targetRef="done"': 'sourceRef="tell" targetRef="stuck"'},
        '<bpmn:exclusiveGateway id="stuck"/>',
    ),
    Bad("two exits of a task", "several-flows", "tell", add=flow("tell", "fill")),
    Bad("two exits of the start", "several-flows", "begin", add=flow("begin", "done")),
    Bad("a flow without a condition", "flow-without-condition", "calm", {' default="calm"': ""}),
    Bad("an empty condition", "flow-without-condition", "urgent", {CONDITION: " "}),
    Bad(
        "a condition after a task",
        "condition-ignored",
        "tell_done",
        {
            '<bpmn:sequenceFlow id="third" sourceRef="tell" targetRef="done"/>': flow(
                "tell", "done", condition("true")
            )
        },
    ),
    Bad(
        "a condition in another language",
        "bad-expression",
        "urgent",
        {'xsi:type="bpmn:tFormalExpression"': 'xsi:type="bpmn:tFormalExpression" language="javascript"'},
    ),
    Bad(
        "a parallel gateway on a cycle",
        "join-on-cycle",
        "middle",
        {
            **through('<bpmn:parallelGateway id="middle"/>'),
            'sourceRef="tell" targetRef="done"': 'sourceRef="tell" targetRef="middle"',
        },
    ),
    Bad(
        "an inclusive gateway on a cycle",
        "join-on-cycle",
        "middle",
        {
            **through('<bpmn:inclusiveGateway id="middle"/>'),
            'sourceRef="tell" targetRef="done"': 'sourceRef="tell" targetRef="middle"',
        },
    ),
    Bad(
        "a parallel gateway on a cycle over a boundary event",
        "join-on-cycle",
        "middle",
        {**through('<bpmn:parallelGateway id="middle"/>')},
        f'<bpmn:boundaryEvent id="edge" attachedToRef="fill" cancelActivity="false">{TIMER}</bpmn:boundaryEvent>'
        + flow("edge", "middle"),
    ),
    Bad(
        "an event gateway before a task",
        "event-gateway",
        "middle",
        through('<bpmn:eventBasedGateway id="middle"/>'),
    ),
    # Events
    Bad("a boundary event without a trigger", "event-without-trigger", "edge", add=boundary("")),
    Bad(
        "a catching event without a trigger",
        "event-without-trigger",
        "middle",
        through('<bpmn:intermediateCatchEvent id="middle"/>'),
    ),
    Bad(
        "a start with a timer",
        "wrong-trigger",
        "begin",
        {'<bpmn:startEvent id="begin"/>': f'<bpmn:startEvent id="begin">{TIMER}</bpmn:startEvent>'},
    ),
    Bad(
        "an end with a signal",
        "wrong-trigger",
        "done",
        {
            '<bpmn:endEvent id="done"/>': '<bpmn:endEvent id="done"><bpmn:signalEventDefinition signalRef="s"/></bpmn:endEvent>'
        },
        outside='<bpmn:signal id="s" name="s"/>',
    ),
    Bad("a timer without a time", "timer-without-time", "edge", add=boundary("<bpmn:timerEventDefinition/>")),
    Bad(
        "a timer with two times",
        "timer-without-time",
        "edge",
        add=boundary(
            TIMER.replace("</bpmn:timerEvent", "<bpmn:timeDate>now()</bpmn:timeDate></bpmn:timerEvent")
        ),
    ),
    Bad("a boundary event on a gateway", "boundary-host", "edge", add=boundary(TIMER, host="choice")),
    Bad(
        "a boundary event on something inside",
        "boundary-host",
        "edge",
        through(SUB.format(more="", inside='<bpmn:task id="deep"/>' + flow("deep", "out"))),
        boundary(TIMER, host="deep"),
    ),
    Bad(
        "an error no task throws",
        "boundary-host",
        "edge",
        add=boundary('<bpmn:errorEventDefinition errorRef="late_error"/>'),
    ),
    Bad(
        "an error that does not interrupt",
        "wrong-trigger",
        "edge",
        through(SUB.format(more="", inside="")),
        boundary('<bpmn:errorEventDefinition errorRef="late_error"/>', ' cancelActivity="false"', "middle"),
    ),
    Bad(
        "a repetition over nothing",
        "repetition",
        "fill",
        {"</bpmn:userTask>": "<bpmn:multiInstanceLoopCharacteristics/></bpmn:userTask>"},
    ),
    Bad(
        "a loop without a condition",
        "repetition",
        "fill",
        {"</bpmn:userTask>": "<bpmn:standardLoopCharacteristics/></bpmn:userTask>"},
    ),
    # Size
    Bad("a chain the parser cannot bear", "chain-too-long", "done", CHAIN),
    Bad(
        "too many elements",
        "too-many-elements",
        "",
        add="".join(f'<bpmn:task id="t{n}"/>' + flow(f"t{n}", "done") for n in range(400)),
    ),
    Bad(
        "too many processes",
        "too-many-elements",
        "",
        outside="".join(f'<bpmn:process id="q{number}"/>' for number in range(400)),
    ),
    Bad(
        "too much in expressions",
        "too-many-expressions",
        "",
        {
            "</spiffworkflow:parameters>": "".join(
                f'<spiffworkflow:parameter id="p{number}" type="any" value="{" + ".join(["clock"] * 200)}"/>'
                for number in range(150)
            )
            + "</spiffworkflow:parameters>"
        },
    ),
    Bad(
        "too many fields",
        "too-many-elements",
        "",
        files={"small/fill.form": FORM.replace("]}", f", {FORM[FORM.index('{', 1) : -2]}" * 300 + "]}")},
        file="small/fill.form",
    ),
    Bad(
        "texts with aliases",
        "not-yaml",
        "",
        files={"small/texts.yaml": TEXTS + "same: &same {title: a, text: b}\nother: *same\n"},
        file="small/texts.yaml",
    ),
    Bad("a duration that is none", "bad-time", "edge", add=boundary(TIMER.replace("P1D", '"P1X"'))),
    Bad("a cycle that is none", "bad-time", "edge", add=boundary(TIMER.replace("timeDuration", "timeCycle"))),
    Bad("too much YAML", "too-large", "", files={"small/texts.yaml": TEXTS * 5_000}, file="small/texts.yaml"),
    # People and forms
    Bad("nobody to do it", "no-people", "fill", {FILL_PEOPLE: ""}),
    Bad("no form", "form-missing", "fill", files={"small/fill.form": None}),
    Bad(
        "a form for nothing",
        "form-without-task",
        "gone",
        files={"small/gone.form": FORM},
        file="small/gone.form",
    ),
    Bad(
        "a field of no kind",
        "form-unsupported",
        "html",
        files=form('{"type": "html", "id": "html"}'),
        file="small/fill.form",
    ),
    Bad(
        "a field without a key",
        "form-unsupported",
        "2",
        files=form('{"type": "textfield", "label": "x"}'),
        file="small/fill.form",
    ),
    Bad(
        "a form that is a list",
        "form-unsupported",
        "",
        files={"small/fill.form": "[]"},
        file="small/fill.form",
    ),
    Bad(
        "a form condition that does not compile",
        "bad-expression",
        "b",
        files=form('{"type": "textfield", "key": "b", "label": "b", "conditional": {"hide": "=1 +"}}'),
        file="small/fill.form",
    ),
    Bad(
        "a status without a phase",
        "status-without-phase",
        "fill",
        {'<spiffworkflow:property name="phase" value="draft"/>': ""},
    ),
    Bad("a property nobody knows", "bad-property", "fill", {'name="phase"': 'name="fase"'}),
    Bad("a phase in quotes", "bad-property", "fill", {'value="draft"': 'value="&quot;draft&quot;"'}),
    # Operators, expressions, texts
    Bad(
        "no operator",
        "operator-missing",
        "tell",
        {'<spiffworkflow:serviceTaskOperator id="notify">': '<spiffworkflow:serviceTaskOperator id="">'},
    ),
    Bad(
        "an operator that is not there",
        "unknown-operator",
        "tell",
        {'Operator id="notify"': 'Operator id="shout"'},
    ),
    Bad(
        "an onComplete that is not there",
        "unknown-operator",
        "fill",
        {FILL_PEOPLE: FILL_PEOPLE + '<spiffworkflow:property name="onComplete" value="shout"/>'},
    ),
    Bad(
        "a parameter it does not have",
        "operator-parameters",
        "tell",
        {
            "</spiffworkflow:parameters>": '<spiffworkflow:parameter id="loud" type="any" value="1"/></spiffworkflow:parameters>'
        },
    ),
    Bad("a parameter left out", "operator-parameters", "tell", {'id="template"': 'id="to"'}),
    Bad("a parameter without a value", "operator-parameters", "tell", {' value="&quot;told&quot;"': ""}),
    Bad("a text that is not there", "text-missing", "tell", {"&quot;told&quot;": "&quot;untold&quot;"}),
    Bad(
        "a text without words",
        "bad-text",
        "told",
        files={"small/texts.yaml": "told:\n  title: 通知\n"},
        file="small/texts.yaml",
    ),
    Bad("a function that is not there", "unknown-function", "urgent", {CONDITION: "open(fill.note)"}),
    Bad("too many arguments", "bad-expression", "urgent", {CONDITION: "working_days(1, 2) = null"}),
    Bad("a condition that does not compile", "bad-expression", "urgent", {CONDITION: "fill.note ="}),
    Bad("a condition in Python", "bad-expression", "urgent", {CONDITION: "fill.note.__class__"}),
    Bad("a parameter that does not compile", "bad-expression", "tell", {"&quot;told&quot;": "[1"}),
    Bad("an assignment that does not compile", "bad-expression", "fill", {"&quot;clerks&quot;": "clerks +"}),
    Bad("a timer that does not compile", "bad-expression", "edge", add=boundary(TIMER.replace("P1D", "1 +"))),
    Bad(
        "a cell that does not compile",
        "bad-expression",
        "choose",
        files={"tables.dmn": TABLE.replace('"急"', "[1..")},
        file="tables.dmn",
    ),
    Bad(
        "an output that calls nothing",
        "unknown-function",
        "choose",
        files={"tables.dmn": TABLE.replace("<text>1<", "<text>nothing()<")},
        file="tables.dmn",
    ),
    # Gateways
    Bad(
        "a gateway that is said to join and splits",
        "gateway-direction",
        "choice",
        {'name="急否"': 'name="急否" gatewayDirection="Converging"'},
    ),
    Bad(
        "a gateway that is said to split and has one way",
        "gateway-direction",
        "middle",
        through('<bpmn:parallelGateway id="middle" gatewayDirection="Diverging"/>'),
    ),
    Bad(
        "a gateway that is said to do both and splits",
        "gateway-direction",
        "choice",
        {'name="急否"': 'name="急否" gatewayDirection="Mixed"'},
    ),
    Bad("an event gateway with one way", "event-gateway", "middle", waiting(CAUGHT.format("one"))),
    Bad(
        "an event gateway before an event with another way in",
        "event-gateway",
        "middle",
        waiting(CAUGHT.format("one"), LATER.format("two")),
        flow("tell", "one"),
    ),
    Bad(
        "an event gateway before a task with a boundary event",
        "event-gateway",
        "middle",
        waiting(RECEIVED.format("one"), LATER.format("two")),
        boundary(TIMER, host="one"),
    ),
    Bad(
        "an event gateway that waits for a message in both ways",
        "event-gateway",
        "middle",
        waiting(RECEIVED.format("one"), CAUGHT.format("two")),
    ),
    Bad(
        "an event gateway that waits for a message twice",
        "event-gateway",
        "middle",
        waiting(CAUGHT.format("one"), CAUGHT.format("two")),
    ),
    # Thrown and caught
    Bad(
        "a message nobody named and nobody waits for",
        "message-without-name",
        "quiet",
        {"<bpmn:process": '<bpmn:message id="quiet"/><bpmn:process'},
    ),
    Bad(
        "a task that receives nothing",
        "dangling-reference",
        "middle",
        through('<bpmn:receiveTask id="middle"/>'),
    ),
    Bad("a task that sends nothing", "dangling-reference", "middle", through('<bpmn:sendTask id="middle"/>')),
    Bad(
        "a link's end with a flow into it",
        "link-direction",
        "middle",
        through(
            '<bpmn:intermediateCatchEvent id="middle"><bpmn:linkEventDefinition name="l"/></bpmn:intermediateCatchEvent>'
        ),
    ),
    Bad(
        "a link's beginning with a flow out of it",
        "link-direction",
        "middle",
        through(
            '<bpmn:intermediateThrowEvent id="middle"><bpmn:linkEventDefinition name="l"/></bpmn:intermediateThrowEvent>'
        ),
    ),
    Bad("one message twice on a task", "same-event-twice", "edge2", add=twice(MESSAGE, MESSAGE)),
    Bad(
        "one error twice on a subprocess",
        "same-event-twice",
        "edge2",
        through(SUB.format(more="", inside="")),
        twice(ERROR, ERROR, "middle"),
    ),
    Bad(
        "any error twice on a subprocess",
        "same-event-twice",
        "edge2",
        through(SUB.format(more="", inside="")),
        twice("<bpmn:errorEventDefinition/>", "<bpmn:errorEventDefinition/>", "middle"),
    ),
    Bad(
        "one escalation twice on a subprocess",
        "same-event-twice",
        "edge2",
        through(SUB.format(more="", inside="")),
        twice(ESCALATION, ESCALATION, "middle"),
        '<bpmn:escalation id="up" name="up" escalationCode="up"/>',
    ),
    Bad("an error nothing catches", "uncaught", "done", ending(ERROR)),
    Bad(
        "an escalation nothing catches",
        "uncaught",
        "done",
        ending(ESCALATION),
        outside='<bpmn:escalation id="up" name="up" escalationCode="up"/>',
    ),
    Bad(
        "an error caught by its subprocess's event for another",
        "uncaught",
        "out",
        through(
            SUB.format(more="", inside="").replace(
                '<bpmn:endEvent id="out"/>', f'<bpmn:endEvent id="out">{ERROR}</bpmn:endEvent>'
            )
        ),
        boundary('<bpmn:errorEventDefinition errorRef="other_error"/>', host="middle"),
        '<bpmn:error id="other_error" name="other" errorCode="other"/>',
    ),
    Bad("a flow into a start inside", "incoming-flow", "in", through(inside_with(flow("out", "in")))),
    Bad("a flow out of an end inside", "outgoing-flow", "out", through(inside_with(flow("out", "in")))),
    # Names that are read
    Bad("a name nobody writes", "unknown-variable", "urgent", {CONDITION: 'fil.note = "急"'}),
    Bad("a name nobody writes in a parameter", "unknown-variable", "tell", {"&quot;told&quot;": "told"}),
    Bad("a group that is a name", "unknown-variable", "fill", {"&quot;clerks&quot;": "clerks"}),
    Bad(
        "a name nobody writes in a table",
        "unknown-variable",
        "choose",
        files={"tables.dmn": TABLE.replace("fill.note", "fil.note")},
        file="tables.dmn",
    ),
    Bad(
        "a name nobody writes in a form",
        "unknown-variable",
        "b",
        files=form('{"type": "textfield", "key": "b", "label": "b", "conditional": {"hide": "=nota = 1"}}'),
        file="small/fill.form",
    ),
    Bad(
        "another step's answers in a form",
        "unknown-variable",
        "b",
        files=form(
            '{"type": "textfield", "key": "b", "label": "b", "conditional": {"hide": "=fill.note = 1"}}'
        ),
        file="small/fill.form",
    ),
    Bad(
        "a called process that is given what its caller has not",
        "unknown-variable",
        "order",
        through('<bpmn:callActivity id="middle" calledElement="other"/>'),
        outside='<bpmn:process id="other"><bpmn:property id="given_order" name="order"/><bpmn:startEvent id="a"/>'
        f'<bpmn:endEvent id="b"/>{flow("a", "b")}</bpmn:process>',
    ),
    Bad(
        "a declaration of what is not given",
        "not-given",
        "order",
        add_first('<bpmn:property id="given_order" name="order"/>'),
    ),
    Bad("no declaration of what is given", "not-declared", "small", {FIRST: ""}),
    Bad("a date that is none", "bad-time", "edge", add=boundary(timed("timeDate", "INVALID"))),
    Bad("a duration that is a word", "bad-time", "edge", add=boundary(timed("timeDuration", "INVALID"))),
    Bad("a cycle that is a word", "bad-time", "edge", add=boundary(timed("timeCycle", "INVALID"))),
    Bad("a date that is a number", "bad-time", "edge", add=boundary(timed("timeDate", "23"))),
    Bad("a duration where a date belongs", "bad-time", "edge", add=boundary(timed("timeDate", "P1D"))),
    Bad(
        "a date where a duration belongs",
        "bad-time",
        "edge",
        add=boundary(timed("timeDuration", "2026-12-31T17:00:00+08:00")),
    ),
    Bad(
        "a date that does not exist",
        "bad-time",
        "edge",
        add=boundary(timed("timeDate", "2026-02-30T10:00:00Z")),
    ),
    # Conditions and lists
    Bad("a condition that is a number", "constant-condition", "urgent", {CONDITION: "23"}),
    Bad("a condition that is a text", "constant-condition", "urgent", {CONDITION: '"急"'}),
    Bad("a condition that is always true", "constant-condition", "urgent", {CONDITION: "1 = 1"}),
    Bad("a condition that is a sum", "constant-condition", "urgent", {CONDITION: "fill.note + 1"}),
    Bad(
        "a completion condition that is a number",
        "constant-condition",
        "fill",
        repeated(
            "<bpmn:loopCardinality>3</bpmn:loopCardinality><bpmn:completionCondition>23</bpmn:completionCondition>"
        ),
    ),
    Bad(
        "a loop's condition that is a text",
        "constant-condition",
        "fill",
        {
            "</bpmn:userTask>": "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>&quot;a&quot;</bpmn:loopCondition>"
            "</bpmn:standardLoopCharacteristics></bpmn:userTask>"
        },
    ),
    Bad(
        "a loop and a repetition on one task",
        "repetition",
        "fill",
        {
            "</bpmn:userTask>": "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>fill.note = 1</bpmn:loopCondition>"
            "</bpmn:standardLoopCharacteristics><bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>3"
            "</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>"
        },
    ),
    Bad(
        "a list that is not there",
        "list-reference",
        "fill",
        repeated("<bpmn:loopDataInputRef>voters</bpmn:loopDataInputRef>"),
    ),
    Bad(
        "results collected in a field",
        "list-reference",
        "fill",
        repeated(
            "<bpmn:loopCardinality>3</bpmn:loopCardinality><bpmn:loopDataOutputRef>fill.notes</bpmn:loopDataOutputRef>"
        ),
    ),
    Bad(
        "a text instead of a list",
        "list-reference",
        "fill",
        repeated("<bpmn:loopDataInputRef>&quot;abc&quot;</bpmn:loopDataInputRef>"),
    ),
    Bad(
        "a number of times that is none",
        "list-reference",
        "fill",
        repeated("<bpmn:loopCardinality>&quot;many&quot;</bpmn:loopCardinality>"),
    ),
    Bad(
        "a task that starts only after several arrivals",
        "unsupported",
        "tell",
        {'<bpmn:serviceTask id="tell"': '<bpmn:serviceTask startQuantity="2" id="tell"'},
    ),
    # Calls
    Bad(
        "a call to a version that is not there",
        "dangling-reference",
        "middle",
        through(
            '<bpmn:callActivity id="middle" calledElement="other" c:calledElementVersion="3" xmlns:c="urn:c"/>'
        ),
        outside=CALLED,
    ),
    Bad(
        "a call to a process that may not run",
        "dangling-reference",
        "middle",
        through('<bpmn:callActivity id="middle" calledElement="other"/>'),
        outside=CALLED.replace('id="other"', 'id="other" isExecutable="false"'),
    ),
    # What only the parser says
    Bad(
        "an element BPMN does not know",
        "bpmn-format",
        "done",
        {'<bpmn:endEvent id="done"/>': '<bpmn:endEvent id="done"/><bpmn:finish id="x"/>'},
    ),
    Bad(
        "an attribute BPMN does not know",
        "bpmn-format",
        "done",
        {'<bpmn:endEvent id="done"/>': '\n<bpmn:endEvent id="done" colour="red"/>'},
    ),
    Bad(
        "an attribute with a value it cannot have",
        "bpmn-format",
        "tell",
        {'<bpmn:serviceTask id="tell"': '\n<bpmn:serviceTask isForCompensation="maybe" id="tell"'},
    ),
    Bad(
        "an attribute left out",
        "bpmn-format",
        "definitions",
        {' targetNamespace="http://example.org/tests"': ""},
    ),
]

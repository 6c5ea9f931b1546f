"""Who is told what at which arrow of a process, as the table docs/messages.md: read from the diagrams, the decision table and the
texts alone, so that it says what would happen. `qingling messages` prints it for analysts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.models.people import ROLE_NAMES
from engine.diagram import Diagram, definitions_of
from engine.elements import Element
from engine.grammar import Node, parse_expression
from engine.nodes import Binary, Choice, Items, Literal, Path
from engine.parsing import as_expression
from engine.specs import ParsedDefinition, parse_definition, parse_xml
from engine.ways import Way, list_ways
from messages.texts import Text, load_texts
from messages.topics import CHANNEL_NAMES, MAIL, TOPIC_NAMES, WECHAT
from tasks.notices import CURRENT_ASSIGNEES, CURRENT_CLAIMER, CURRENT_HANDLER, SUPERVISORS, TEXTS

SILENT = "不通知："
IN_APP = "只在站内"
OFFICE_HOURS = "；对关员只在办公时间"
NO_REASON = "（没有写明理由）"
WORDS = {
    "issue.submitter": "经办人",
    "issue.executive": "企业高管（审核的，或者自己提出的）",
    "issue.evaluators": "经办人和提交的高管",
    "issue.handler": "原经办关员",
    "registration.applicant": "申请人",
    CURRENT_HANDLER: "手上有任务的关员，没人认领时为候选的各位",
    CURRENT_CLAIMER: "认领了任务的关员",
    CURRENT_ASSIGNEES: "还没有办的人",
    SUPERVISORS: "督办员（本单位和上级单位的）",
}
PLACES = {"issue.office": "受理海关", "registration.office": "注册地海关"}
HEAD = """# 哪一步通知谁

由 `qingling messages` 从流程图、决策表和 `texts.yaml` 生成，不要手改；改了流程以后重新生成：

    ./dev qingling messages > docs/messages.md

每条通知都先成为收件人的站内消息，再按“渠道”的先后发出去：前一个没有（没绑定、没关注、没填邮箱、本人关掉了）或者发不通，才走下一个
（ADR 20）。验证码不由流程图决定，只发短信。除验证码外，21:00 到 08:00 不发短信。一行是从一次等待到下一次等待：谁办完了一步，或者
到了时间、收到了消息，流程自己走过哪些箭头，通知谁。不通知的写明理由，理由是图上这个箭头或事件的“文档”，以“不通知：”开头。
"""


@dataclass(frozen=True)
class Told:
    """One `notify` on a way: the text, whom the diagram names, and the same in words."""

    element_id: str
    template: str
    to: str
    people: str


@dataclass(frozen=True)
class Step:
    """One row: what begins it, the arrows, who is told; and why nobody is, where nobody is."""

    way: Way
    when: str
    arrows: tuple[str, ...]
    told: tuple[Told, ...]
    reason: str | None


def describe(files: Mapping[str, str]) -> str:
    """The sections of one process. Raises DiagramRefused and TextBroken."""
    definition = parse_definition(files)
    texts = load_texts(definition.text(TEXTS) or "")
    steps = list_steps(definition)
    rows = [(step.when, _code(step.arrows, " → "), _tell(step, texts)) for step in steps]
    parts = [
        f"## {_process_name(definition)}（{definition.key}）",
        _table(("什么时候", "经过的箭头和事件", "通知谁、用哪条文字、走什么渠道"), rows),
        "### 文字",
        _table(("模板", "类别", "各渠道都能用时", "没有微信时", "只有手机号时", "文字"), _text_rows(texts)),
    ]
    return "\n\n".join([*parts, *_decisions(definition)])


def list_steps(definition: ParsedDefinition) -> list[Step]:
    """Every step of the process, in the order of its diagrams."""
    steps: list[Step] = []
    for file, body in definition.files.items():
        if file.endswith(".bpmn"):
            diagram = Diagram(file, parse_xml(file, body))
            steps += [_step(definition, diagram, way) for way in list_ways(diagram)]
    return steps


def _step(definition: ParsedDefinition, diagram: Diagram, way: Way) -> Step:
    elements = definition.elements
    passed = [elements[id_] for id_ in way.path if id_ in elements]
    told = tuple(_told(element) for element in passed if element.operator == "notify")
    start = elements[way.start]
    starts = [way.start] if start.kind == "boundaryEvent" or start.event else []
    ends = {element.id for element in passed if element.kind == "endEvent"}
    arrows = (*starts, *(id_ for id_ in way.path if id_ not in elements or id_ in ends))
    reasons = [reason for id_ in arrows if (reason := _reason(diagram, id_))]
    reason = None if told else (reasons[0] if reasons else NO_REASON)
    return Step(way, _when(diagram, elements, way), arrows, told, reason)


def _reason(diagram: Diagram, element_id: str) -> str | None:
    node = diagram.ids.get(element_id)
    written = "" if node is None else (node.findtext("{*}documentation") or "").strip()
    return written.removeprefix(SILENT) if written.startswith(SILENT) else None


def _when(diagram: Diagram, elements: Mapping[str, Element], way: Way) -> str:
    start = elements[way.start]
    match start.kind:
        case "startEvent" if start.event:
            handler = elements[start.parent_id or ""]
            inside = f"“{elements[handler.parent_id].name}”期间：" if handler.parent_id else ""
            begins = f"{inside}{start.name}{_moment(diagram, start.id)}"
        case "startEvent":
            begins = start.name
        case "boundaryEvent":
            begins = (
                f"“{elements[start.attached_to or ''].name}”期间：{start.name}{_moment(diagram, start.id)}"
            )
        case _:
            begins = f"办完“{start.name}”"
    return "，".join([begins, *_branches(diagram, elements, way)])


def _moment(diagram: Diagram, element_id: str) -> str:
    written = [
        as_expression(time.text)
        for event in definitions_of(diagram.nodes[element_id])
        for time in event
        if isinstance(time.tag, str)
    ]
    return f"（`{written[0]}`）" if written else ""


def _branches(diagram: Diagram, elements: Mapping[str, Element], way: Way) -> Iterator[str]:
    for id_ in way.path:
        flow = diagram.ids[id_]
        if id_ not in elements and (name := flow.get("name")):
            source = elements[flow.get("sourceRef") or ""]
            asked = "" if source.name == source.id else source.name
            yield f"{asked} {name}" if asked.endswith("？") else f"{asked}：{name}" if asked else name


def _told(element: Element) -> Told:
    template, to = element.parameters["template"], element.parameters["to"]
    node = parse_expression(template)
    name = str(node.value) if isinstance(node, Literal) else template
    return Told(element.id, name, to, "、".join(dict.fromkeys(_people(parse_expression(to)))))


def _people(node: Node) -> Iterator[str]:
    """Everybody an expression of recipients can come to, in words; of a choice both sides."""
    match node:
        case Literal(None):
            return
        case Literal(value):
            yield WORDS.get(str(value), str(value))
        case Path(names):
            yield WORDS.get(".".join(names), ".".join(names))
        case Items(nodes):
            for each in nodes:
                yield from _people(each)
        case Choice(_, yes, no):
            yield from _either([*_people(yes)], [*_people(no)])
        case Binary("+", Literal(role), Path(names)):
            place = ".".join(names)
            yield f"{PLACES.get(place, place)}的{ROLE_NAMES.get(str(role).rstrip(':'), str(role))}"
        case _:
            yield "（见图）"


def _either(yes: Sequence[str], no: Sequence[str]) -> Iterator[str]:
    """Those of both sides, and who is told in one case only."""
    both = [name for name in yes if name in no]
    yield from both
    only_yes, only_no = ([name for name in side if name not in both] for side in (yes, no))
    if only_yes and only_no:
        yield f"{'、'.join(only_yes)}；没有时为{'、'.join(only_no)}"
    else:
        yield from (f"{name}（不是本人操作时）" for name in (*only_yes, *only_no))


def _tell(step: Step, texts: Mapping[str, Text]) -> str:
    if not step.told:
        return f"不通知：{step.reason}"
    return "<br>".join(
        f"{one.people}：`{one.template}` {texts[one.template].title}（{_channels(texts[one.template].channels)}"
        f"{OFFICE_HOURS if texts[one.template].in_office_hours else ''}）"
        for one in step.told
    )


def _text_rows(texts: Mapping[str, Text]) -> Iterator[tuple[str, ...]]:
    for name, one in texts.items():
        words = f"**{one.title}**<br>{one.text}" + (f"<br>短信：{one.sms}" if one.sms else "")
        reached = [_first(one.channels, without) for without in ((), (WECHAT,), (WECHAT, MAIL))]
        yield f"`{name}`", TOPIC_NAMES[one.topic], *reached, words


def _first(channels: Iterable[str], without: Iterable[str]) -> str:
    left = [name for name in channels if name not in without]
    return CHANNEL_NAMES[left[0]] if left else IN_APP


def _channels(channels: Sequence[str]) -> str:
    return " → ".join(CHANNEL_NAMES[name] for name in channels) or IN_APP


def _decisions(definition: ParsedDefinition) -> Iterator[str]:
    for decision in definition.decisions.values():
        yield f"### {decision.name}"
        heads = (*(f"`{each}`" for each in decision.inputs), *(f"`{each}`" for each in decision.outputs))
        yield _table(heads, [(*rule.tests, *rule.values) for rule in decision.rules])


def _process_name(definition: ParsedDefinition) -> str:
    root = parse_xml(f"{definition.key}.bpmn", definition.files[f"{definition.key}.bpmn"])
    return next((one.get("name") or "" for one in root.iter("{*}process")), definition.key)


def _code(words: Iterable[str], between: str) -> str:
    return between.join(f"`{word}`" for word in words)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)

"""What Python needs of the diagrams and forms of issues and registrations: one table a process, with the reason for each line.

Everything else in them is the analyst's. `find_unmet` is asked by `qingling check` and before a version is deployed; the
tables stand in the READMEs of the processes (a test keeps them there).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.elements import Element
from engine.expressions import ExpressionRefused, read_paths
from engine.findings import Finding
from engine.names import identifier
from engine.specs import PAGE_PROPERTIES, ParsedDefinition, form_name
from tasks.fields import inputs

TEXT = ("textfield", "textarea")
ONE_OF = ("select", "radio")
FILES = ("filepicker",)
TICK = ("checkbox",)
KIND_NAMES = {
    "textfield": "单行文字",
    "textarea": "多行文字",
    "select": "下拉选择",
    "radio": "单选",
    "filepicker": "附件",
    "checkbox": "勾选",
}


@dataclass(frozen=True)
class FieldNeed:
    """A key of the forms of tasks whose `onComplete` is `operator`. `source` is the list its options must come from, `values`
    what one option must be; `only` forbids others. `must`: the form has to ask for it (of an operator that keeps a record:
    the form that the record begins with)."""

    operator: str
    key: str
    kinds: tuple[str, ...]
    why: str
    must: bool = False
    source: str | None = None
    values: tuple[Any, ...] = ()
    only: bool = False
    column: bool = False


@dataclass(frozen=True)
class ElementNeed:
    """An element id (of a timer) or the name of a message, which is needed where one of these operators is used."""

    kind: str
    name: str
    operators: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Needs:
    """Everything Python needs of one process. `phases` are those that rules test, with what a version that was deployed
    before diagrams named them is told by; `names` what words for pages may read."""

    fields: tuple[FieldNeed, ...]
    elements: tuple[ElementNeed, ...]
    phases: Mapping[str, str]
    names: Mapping[str, str]


def _column(operator: str, key: str, kinds: tuple[str, ...], why: str, **more: Any) -> FieldNeed:
    return FieldNeed(operator, key, kinds, why, column=True, **more)


_SEARCHED = "列表、搜索、打印和导出里有它自己的位置"
_TOLD_DECISION = "页面用选中的文字说明作了什么决定"
PERSON = {"me": "看的人：is_submitter、is_executive、is_officer", "holder": "认领的人的姓名，没有时为空"}

ISSUE_NEEDS = Needs(
    fields=(
        _column("save_issue", "office", ("select",), "问题编号和受理单位由它定", must=True, source="offices"),
        _column("save_issue", "title", ("textfield",), "所有列表和通知用它称呼这个问题", must=True),
        _column("save_issue", "description", TEXT, _SEARCHED),
        _column("save_issue", "kind", ONE_OF, "列表按它筛选", source="kinds"),
        _column("save_issue", "category", ONE_OF, "列表按它筛选", source="categories"),
        _column("save_issue", "contact", TEXT, _SEARCHED),
        _column("save_issue", "attachments", FILES, _SEARCHED),
        _column("save_issue", "importance", ONE_OF, "答复时限由它定", source="importances"),
        _column("save_issue", "executive", ONE_OF, "由哪位高管审核", source="executives"),
        FieldNeed("save_issue", "decision", ONE_OF, _TOLD_DECISION),
        FieldNeed("save_issue", "comment", TEXT, "审核意见，是这一步自己的话，不带入以后的表单"),
        FieldNeed(
            "record_answer",
            "decision",
            ONE_OF,
            "选中 answer 的才是答复，其余是转办、请企业补充等",
            must=True,
            values=("answer",),
        ),
        FieldNeed("record_answer", "answer", ("textarea",), "答复的正文", must=True),
        FieldNeed("record_answer", "attachments", FILES, "答复的附件"),
        FieldNeed("record_answer", "reason", TEXT, "转办的理由，是这一步自己的话"),
        FieldNeed("record_answer", "question", TEXT, "请企业补充什么，是这一步自己的话"),
        FieldNeed(
            "record_evaluation",
            "rating",
            ONE_OF,
            "四级评价，统计用：1 完全解决问题、2 同意答复意见、3 没有解决问题、4 解决部分问题",
            must=True,
            values=(1, 2, 3, 4),
            only=True,
        ),
        FieldNeed("record_evaluation", "comment", TEXT, "评价的补充说明"),
        FieldNeed("record_evaluation", "reopen", TICK, "要求重新办理，只有经办人评价为 3 或 4 时可以"),
    ),
    elements=(
        ElementNeed(
            "timer", "deadline_near", ("pause_deadline", "resume_deadline"), "停、续时限时移动这个提醒"
        ),
        ElementNeed(
            "timer", "deadline_passed", ("pause_deadline", "resume_deadline"), "停、续时限时移动这个到期"
        ),
        ElementNeed("message", "withdraw_issue", ("close_issue",), "经办人撤回时发的消息"),
    ),
    phases={
        "draft": "草稿",
        "review": "企业审核",
        "customs": "海关办理",
        "enterprise": "待企业补充",
        "answered": "待评价",
        "closed": "已办结",
    },
    names={
        **PERSON,
        "issue": "问题的事实，和流程里的变量 issue 相同",
        "office": "受理海关的名称",
        "enterprise": "企业的名称",
        "submitter": "经办人的姓名",
        "executive": "审核高管的姓名，没有时为空",
        "due": "答复期限，没有时为空",
        "expires": "评价的期限，没有时为空",
        "closed": "办结的时间，没有时为空",
    },
)
REGISTRATION_NEEDS = Needs(
    fields=(
        _column("save_registration", "name", ("textfield",), "企业名称", must=True),
        _column("save_registration", "uscc", ("textfield",), "一家企业只能注册一次，靠它识别", must=True),
        _column(
            "save_registration", "contact", ("textfield",), "申请人的姓名，注册后是企业管理员", must=True
        ),
        _column(
            "save_registration",
            "office",
            ("select",),
            "由这个单位审核，编号由它定",
            must=True,
            source="offices",
        ),
        _column("save_registration", "customs_code", ("textfield",), "海关注册编码，读卡注册时来自卡里"),
        _column("save_registration", "address", TEXT, "注册地址，企业资料里有它的位置"),
        _column("save_registration", "legal_person", ("textfield",), "法定代表人，企业资料里有它的位置"),
        _column("save_registration", "licence", FILES, "营业执照，审核时和资料并排看"),
        FieldNeed("save_registration", "uscc_confirmed", TICK, "确认代码无误，每次提交都重新作出，不带出"),
        FieldNeed("record_review", "decision", ONE_OF, _TOLD_DECISION),
        FieldNeed("record_review", "reason", TEXT, "退回、不予通过的理由，写进通知，给企业看", must=True),
        FieldNeed("record_review", "override_check_digit", TICK, "审核员核对过校验位不符的代码，记下是谁"),
    ),
    elements=(
        ElementNeed(
            "message",
            "registration_superseded",
            ("approve_registration",),
            "同一代码的另一份申请通过时，其余的收到这个消息",
        ),
    ),
    phases={"customs": "待审核", "enterprise": "已退回", "closed": "已办结"},
    names={
        **PERSON,
        "registration": "申请的事实，和流程里的变量 registration 相同",
        "office": "注册地海关的名称",
        "enterprise": "企业的名称",
        "applicant": "申请人的姓名",
        "due": "审核期限，没有时为空",
        "closed": "办结的时间，没有时为空",
        "reason": "最近一次审核写的理由",
    },
)
NEEDS: Mapping[str, Needs] = {"issue": ISSUE_NEEDS, "registration": REGISTRATION_NEEDS}
KEEPERS = ("save_issue", "save_registration")
"""Operators that keep the record of their process: it begins with the first form of theirs."""


def own_keys(definition: ParsedDefinition, element_id: str) -> frozenset[str]:
    """The keys of this task's form that Python reads as the step's own."""
    element = definition.elements.get(element_id)
    needs = NEEDS.get(definition.key)
    if element is None or needs is None:
        return frozenset()
    named = (one.key for one in needs.fields if one.operator == element.on_complete)
    return frozenset(named) | {"decision"}


def find_first_form(definition: ParsedDefinition) -> str:
    """The task whose form a record of this process begins with: the nearest to the start of those that keep it; "" without."""
    tasks = [
        element
        for id_ in definition.order
        if (element := definition.elements.get(id_)) is not None and element.kind == "userTask"
    ]
    keeping = (one.id for one in tasks if one.on_complete in KEEPERS)
    return next(keeping, tasks[0].id if tasks else "")


def find_unmet(definition: ParsedDefinition) -> list[Finding]:
    """What this version lacks, has in another form, or says with names that pages do not know."""
    needs = NEEDS.get(definition.key)
    if needs is None:
        return []
    return [
        *_unmet_fields(definition, needs),
        *_unmet_elements(definition, needs),
        *_unknown_phases(definition, needs),
        *_unknown_names(definition, needs),
    ]


def describe_needs(process: str) -> str:
    """The tables as the process's README shows them, in Markdown."""
    needs = NEEDS[process]
    lines = ["| 表单 | 字段名 | 类型 | 为什么 |", "| --- | --- | --- | --- |"]
    for one in needs.fields:
        kinds = "或".join(KIND_NAMES[kind] for kind in one.kinds)
        kinds += f"，选项来自 {one.source}" if one.source else ""
        kinds += (
            f"，选项值{'只能是' if one.only else '要有'} {'、'.join(map(str, one.values))}"
            if one.values
            else ""
        )
        must = "**" if one.must else ""
        lines.append(f"| `{one.operator}` | {must}`{one.key}`{must} | {kinds} | {one.why} |")
    lines += ["", "| 编号或名称 | 是什么 | 用到它的操作 | 为什么 |", "| --- | --- | --- | --- |"]
    names = {"timer": "定时边界事件的编号", "message": "消息的名称"}
    for each in needs.elements:
        used = "、".join(f"`{operator}`" for operator in each.operators)
        lines.append(f"| `{each.name}` | {names[each.kind]} | {used} | {each.why} |")
    lines += ["", "| 页面文字里可以用 | 意思 |", "| --- | --- |"]
    lines += [f"| `{name}` | {what} |" for name, what in needs.names.items()]
    lines += ["", f"阶段（`phase`）只有：{'、'.join(needs.phases)}。"]
    return "\n".join(lines)


def _tasks_of(definition: ParsedDefinition, operator: str) -> Iterator[Element]:
    for element in definition.elements.values():
        if element.kind == "userTask" and element.on_complete == operator:
            yield element


def _unmet_fields(definition: ParsedDefinition, needs: Needs) -> Iterator[Finding]:
    first = find_first_form(definition)
    keeping = next(one.operator for one in needs.fields if one.column)
    if not any(_tasks_of(definition, keeping)):
        text = f"没有一个用户任务的 onComplete 是 {keeping}：开头的表单由它认出。"
        yield Finding(f"{definition.key}.bpmn", definition.key, "needed-form", text)
    for need in needs.fields:
        for element in _tasks_of(definition, need.operator):
            file = _form_file(definition, element.id)
            asked = {
                one["key"]: one for one, _ in inputs(definition.forms.get(element.id, {"components": []}))
            }
            if need.key in asked:
                yield from _wrong_field(file, asked[need.key], need)
            elif need.must and (need.operator not in KEEPERS or element.id == first):
                kinds = "或".join(KIND_NAMES[kind] for kind in need.kinds)
                text = f"“{element.name}”的表单缺少字段 {need.key}（{kinds}）：{need.why}。"
                yield Finding(file, need.key, "needed-field", text)


def _wrong_field(file: str, component: Mapping[str, Any], need: FieldNeed) -> Iterator[Finding]:
    if component["type"] not in need.kinds:
        kinds = "或".join(KIND_NAMES[kind] for kind in need.kinds)
        text = f"字段 {need.key} 的类型须是{kinds}（{'、'.join(need.kinds)}）：{need.why}。"
        yield Finding(file, need.key, "needed-field", text)
        return
    if need.source and component.get("valuesKey") != need.source:
        text = f"字段 {need.key} 的选项须来自 {need.source}（valuesKey）：{need.why}。"
        yield Finding(file, need.key, "needed-field", text)
    if need.values:
        given = [option["value"] for option in component.get("values", ())]
        strange = need.only and any(value not in need.values or isinstance(value, bool) for value in given)
        if strange or not any(value in need.values for value in given):
            known = "、".join(map(str, need.values))
            text = f"字段 {need.key} 的选项值{'只能是' if need.only else '要有'} {known}：{need.why}。"
            yield Finding(file, need.key, "needed-field", text)


def _unmet_elements(definition: ParsedDefinition, needs: Needs) -> Iterator[Finding]:
    used = {element.operator for element in definition.elements.values() if element.operator}
    for need in needs.elements:
        if not used & set(need.operators):
            continue
        if need.kind == "timer":
            found = definition.elements.get(need.name)
            met = found is not None and found.event == "timer"
        else:
            met = need.name in definition.messages
        if not met:
            what = "编号为 {} 的定时边界事件" if need.kind == "timer" else "名称为 {} 的消息"
            text = f"没有{what.format(need.name)}：{need.why}。"
            yield Finding(f"{definition.key}.bpmn", need.name, "needed-element", text)


def _unknown_phases(definition: ParsedDefinition, needs: Needs) -> Iterator[Finding]:
    known = "、".join(needs.phases)
    for element in definition.elements.values():
        phase = element.properties.get("phase")
        if phase is not None and phase not in needs.phases:
            text = f"“{element.name}”的阶段 {phase} 不认识；可用的有：{known}。"
            yield Finding(element.file, element.id, "needed-phase", text)
    for phase in needs.phases:
        if f"phase.{phase}" not in definition.properties:
            text = f"流程的属性里缺少 phase.{phase}：列表用它称呼这个阶段。"
            yield Finding(f"{definition.key}.bpmn", definition.key, "needed-phase", text)


def _unknown_names(definition: ParsedDefinition, needs: Needs) -> Iterator[Finding]:
    for element in definition.elements.values():
        for name in PAGE_PROPERTIES:
            if source := element.properties.get(name):
                for strange in sorted(_first_names(source) - needs.names.keys()):
                    text = (
                        f"“{element.name}”的 {name} 里不能用 {strange}；可用的有：{'、'.join(needs.names)}。"
                    )
                    yield Finding(element.file, element.id, "unknown-name", text)


def _first_names(source: str) -> Iterable[str]:
    try:
        return {path[0] for path in read_paths(source)}
    except ExpressionRefused:
        return set()  # said by the rule for expressions


def _form_file(definition: ParsedDefinition, element_id: str) -> str:
    return next(
        (
            name
            for name in definition.files
            if name.endswith(".form") and form_name(name) == identifier(element_id)
        ),
        f"{definition.key}/{identifier(element_id)}.form",
    )

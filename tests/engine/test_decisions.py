"""Decision tables: which rules match, what comes out, and where the outputs go."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  # lxml has no stubs

from engine.decisions import Decision, DecisionRefused, parse_decisions
from engine.exceptions import DiagramRefused, ExpressionFailed
from tests.engine.process_files import END, EVALUATOR, NOW, START, Run, flows, parse, user

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="http://example.org">'


def table(
    rules: list[tuple[str, ...]], policy: str = "UNIQUE", inputs: tuple[str, ...] = ("issue.importance",)
) -> str:
    columns = "".join(
        f'<input id="i{number}"><inputExpression id="e{number}"><text>{text}</text></inputExpression></input>'
        for number, text in enumerate(inputs)
    )
    lines = ""
    for number, rule in enumerate(rules):
        kinds = ["inputEntry"] * len(inputs) + ["outputEntry"] * (len(rule) - len(inputs))
        cells = "".join(
            f'<{kind} id="c{number}_{place}"><text>{cell.replace("<", "&lt;")}</text></{kind}>'
            for place, (kind, cell) in enumerate(zip(kinds, rule, strict=True))
        )
        lines += f'<rule id="r{number}">{cells}</rule>'
    return (
        f'{HEAD}<decision id="decide_days" name="时限"><decisionTable id="t" hitPolicy="{policy}">{columns}'
        f'<output id="o" name="answer_days"/>{lines}</decisionTable></decision></definitions>'
    )


def decision(*arguments: Any, **options: Any) -> Decision:
    return parse_decisions(etree.fromstring(table(*arguments, **options)))[0]


def decide(made: Decision, **variables: Any) -> dict[str, Any]:
    return made.decide(variables, EVALUATOR, NOW)


BY_IMPORTANCE = [('"一般"', "10"), ('"重要"', "5"), ('"紧急", "特急"', "1 + 1")]


@pytest.mark.parametrize(
    ("importance", "days"), [("一般", 10), ("重要", 5), ("紧急", 2), ("特急", 2), ("?", None), (None, None)]
)
def test_the_rule_that_matches_gives_the_outputs(importance: str | None, days: int | None) -> None:
    assert decide(decision(BY_IMPORTANCE), issue={"importance": importance}) == {"answer_days": days}


def test_several_inputs_must_all_match_and_an_empty_cell_matches_anything() -> None:
    made = decision([("> 5", "", "1"), ("<= 5", '"a"', "2"), ("<= 5", 'not("a")', "3")], inputs=("x", "y"))
    assert [decide(made, x=x, y=y)["answer_days"] for x, y in ((6, None), (5, "a"), (5, "b"))] == [1, 2, 3]


def test_hit_policies_differ_when_several_rules_match() -> None:
    rules = [("> 1", "1"), ("> 2", "2"), ("> 3", "1")]
    assert decide(decision(rules, "FIRST", ("x",)), x=5) == {"answer_days": 1}
    assert decide(decision(rules, "COLLECT", ("x",)), x=5) == {"answer_days": [1, 2, 1]}
    assert decide(decision(rules, "RULE ORDER", ("x",)), x=0) == {"answer_days": []}
    assert decide(decision([rules[0], rules[2]], "ANY", ("x",)), x=5) == {"answer_days": 1}
    for policy in ("UNIQUE", "ANY"):
        with pytest.raises(ExpressionFailed, match="时限"):
            decide(decision(rules, policy, ("x",)), x=5)


def test_what_is_not_a_supported_table_is_refused() -> None:
    for broken in (
        table(BY_IMPORTANCE, "PRIORITY"),
        table([('"a"',)]),
        table(BY_IMPORTANCE, inputs=("",)),
        f'{HEAD}<decision id="x" name="x"><literalExpression/></decision></definitions>',
    ):
        with pytest.raises(DecisionRefused):
            parse_decisions(etree.fromstring(broken))


def rule_task(variable: str = "") -> str:
    extension = "<spiffworkflow:calledDecisionId>decide_days</spiffworkflow:calledDecisionId>"
    if variable:
        extension += (
            "<spiffworkflow:properties>"
            f'<spiffworkflow:property name="resultVariable" value="{variable}"/></spiffworkflow:properties>'
        )
    inner = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>"
    return f'<bpmn:businessRuleTask id="decide_deadline">{inner}</bpmn:businessRuleTask>'


def test_outputs_become_variables_by_their_names() -> None:
    body = START + rule_task() + user("ask", candidateGroups="string(answer_days)") + END
    run = Run(
        parse(body + flows("begin > decide_deadline > ask > done"), **{"routing.dmn": table(BY_IMPORTANCE)}),
        issue={"importance": "重要", "title": "x"},
    )
    assert run.load().variables == {"issue": {"importance": "重要"}, "answer_days": 5}
    assert run.task("ask").candidate_groups == ["5"]


def test_or_one_variable_if_the_diagram_names_it() -> None:
    body = START + rule_task("limits") + user("ask", candidateGroups="string(limits.answer_days)") + END
    files = {"routing.dmn": table(BY_IMPORTANCE)}
    run = Run(
        parse(body + flows("begin > decide_deadline > ask > done"), **files), issue={"importance": "重要"}
    )
    assert run.task("ask").candidate_groups == ["5"]


def test_a_missing_table_and_a_wrong_cell_are_refused_with_their_names() -> None:
    body = START + rule_task() + END + flows("begin > decide_deadline > done")
    with pytest.raises(DiagramRefused, match="decide_days"):
        parse(body)
    with pytest.raises(DiagramRefused, match="时限"):
        parse(body, **{"routing.dmn": table([("open('x'", "1")])})

"""What the diagrams say is said nowhere else: no element id, name or word of status of a process stands in `api/`, and in
`tasks/` only what the tables of needs list."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.catalogue import read_folder
from engine.specs import ParsedDefinition, parse_definition
from tasks.needs import NEEDS
from tasks.operators import OPERATORS
from tasks.standing import list_statuses

ROOT = Path(__file__).parents[2]
PROCESSES = ("issue", "registration")
HAN = "\u4e00-\u9fff"
OUTCOMES = {"approved", "refused", "superseded", "withdrawn", "cleared"}
"""Ids of end events that are outcomes of a record besides (`close_issue`, `registration.outcome`): columns, not steps."""
STATES_OF_ENTERPRISES = {"已退回", "待审核"}
"""What an enterprise is called that is not registered yet (`domain.models.people`), whatever its registration's status says."""


def definition_of(process: str) -> ParsedDefinition:
    return parse_definition(read_folder(ROOT / "processes", process))


EVERYDAY = {"提出问题", "提交海关", "海关办理", "注册途径", "撤回"}
"""Words of the trade that elements happen to be called by, and that pages use in a sense of their own: a menu entry, the name of
a date, a button. Nothing compares them (`tests/tasks/test_renamed.py`)."""


def ids_of(process: str) -> set[str]:
    needed = {one.name for needs in NEEDS.values() for one in needs.elements}
    return set(definition_of(process).elements) - needed - set(OPERATORS) - OUTCOMES


def words_of(process: str) -> set[str]:
    definition = definition_of(process)
    names = {element.name for element in definition.elements.values() if re.search(f"[{HAN}]", element.name)}
    return (names | set(list_statuses(definition))) - STATES_OF_ENTERPRISES - EVERYDAY


def texts_of(room: str) -> Iterator[tuple[str, str]]:
    """Every literal of a room's Python that is no docstring, and every line of its templates and scripts."""
    for file in sorted((ROOT / room).rglob("*")):
        place = str(file.relative_to(ROOT))
        if "/dist/" in place or not file.is_file():
            continue
        if file.suffix == ".py":
            tree = ast.parse(file.read_text())
            prose = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                    yield f"{place}:{node.lineno}", node.value
        elif file.suffix in (".html", ".js", ".css"):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                yield f"{place}:{number}", line


def stands_in(word: str, text: str) -> bool:
    """Whether a text says this word by itself, not as a part of a longer one."""
    letter = HAN if re.search(f"[{HAN}]", word) else r"\w"
    return re.search(f"(?<![{letter}/.-]){re.escape(word)}(?![{letter}])", text) is not None


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("room", ["api", "ui/src"])
def test_pages_know_no_step_by_its_id_name_or_status(room: str, process: str) -> None:
    known = ids_of(process) | words_of(process)
    found = [(place, word) for place, text in texts_of(room) for word in known if stands_in(word, text)]
    assert found == []


@pytest.mark.parametrize("process", PROCESSES)
def test_tasks_know_only_what_the_table_lists(process: str) -> None:
    known = ids_of(process) | set(list_statuses(definition_of(process))) - STATES_OF_ENTERPRISES
    said = [one for one in texts_of("tasks") if not one[0].startswith("tasks/needs.py:")]
    found = [(place, word) for place, text in said for word in known if stands_in(word, text)]
    assert found == []


def test_the_search_would_find_one() -> None:
    assert stands_in("draft_issue", "task draft_issue") and stands_in("修改问题", "==修改问题==")
    assert not stands_in("draft_issue", "redraft_issues") and not stands_in("草稿", "保存草稿")

"""Enter without a script: browsers press the first button of a form, so it must be one that does no harm."""

import re
from pathlib import Path

import pytest

from tests.pages.conftest import QUESTION, Visitor, World
from tests.pages.test_pages import bring_to_customs, task_of, visitor

TEMPLATES = Path("api/templates")
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
BUTTON = re.compile(r"<button\b([^>]*)>")


async def press_enter(person: Visitor, address: str, answers: dict[str, str]) -> str:
    """What a browser sends on Enter in a line of the form for this address."""
    form = next(body for head, body in FORM.findall(person.html) if f'action="{address}"' in head)
    first = BUTTON.search(form)
    assert first and "disabled" not in first[1], form
    pressed = dict(re.findall(r'(name|value)="([^"]*)"', first[1]))
    return await person.send(address, {**answers, pressed["name"]: pressed["value"]})


async def test_enter_in_a_new_question_saves_the_draft(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    html = await press_enter(staff, "/issues/new", {**QUESTION})
    assert re.fullmatch(r"/tasks/[0-9a-f-]{36}", staff.address)
    assert "已提交" not in html and f'value="{QUESTION["title"]}"' in html


async def test_enter_in_a_review_saves_the_draft(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    await staff.send("/issues/new", {**QUESTION, "act": "send"})
    executive = visitor(world, "executive")
    task = await task_of(executive)
    await executive.open(task)
    html = await press_enter(executive, task, {"decision": "submit", "importance": "一般"})
    assert executive.address == task and "草稿已于" in html


async def test_enter_in_an_answer_neither_sends_it_nor_puts_a_template_in(world: World) -> None:
    await bring_to_customs(world)
    handler = visitor(world, "handler")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    await handler.send(f"{task}/claim", {})
    html = await press_enter(handler, task, {"decision": "answer", "answer": "应当计入。", "template": ""})
    assert handler.address == task and "草稿已于" in html and "应当计入。" in html


def forms() -> list[tuple[str, str, str]]:
    pages = sorted(TEMPLATES.rglob("*.html"))
    return [
        (str(page.relative_to(TEMPLATES)), head, body)
        for page in pages
        for head, body in FORM.findall(page.read_text())
    ]


@pytest.mark.parametrize(("page", "head", "body"), [one for one in forms() if "data-enter" in one[1]])
def test_a_form_whose_sending_has_consequences_begins_with_the_button_for_enter(
    page: str, head: str, body: str
) -> None:
    """And names the one that Ctrl+Enter presses."""
    assert re.match(r"\s*\{\{ enter_(saves|does_nothing)\(", body), page
    assert body.count("data-sends ") == 1, page


def test_what_takes_something_away_is_not_done_by_enter_in_a_field() -> None:
    """A red button, and a field beside it in which somebody may press Enter."""
    asks = re.compile(r"<input(?![^>]*type=\"hidden\")|<select|<textarea|\{\{ (input|field)\(")
    for page, head, body in forms():
        if "danger" in body and asks.search(body):
            assert "data-enter" in head, page

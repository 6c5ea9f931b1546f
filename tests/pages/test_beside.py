"""Beside an issue on an officer's desk: who else is looking, and similar answered questions; nobody else is told."""

from tests.pages.conftest import World
from tests.pages.test_pages import bring_to_customs, task_of, visitor


async def answered_and_open(world: World) -> tuple[str, str]:
    """The addresses of two like issues, the first of which has been answered."""
    issues = await bring_to_customs(world), await bring_to_customs(world)
    handler = visitor(world, "handler")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    await handler.send(f"{task}/claim", {})
    await handler.send(task, {"decision": "answer", "answer": "应当计入，<b>依据</b>见规定。"})
    return issues


async def test_officers_at_the_same_issue_see_each_other(world: World) -> None:
    issue = await bring_to_customs(world)
    handler, colleague, staff = (visitor(world, name) for name in ("handler", "colleague", "staff"))
    assert "也在看这个问题" not in await handler.open(issue)
    assert "handler（今天" in await colleague.open(issue)
    html = await handler.send(f"{issue}/presence", {})
    assert "colleague（今天" in html and "<html" not in html
    assert "data-presence" not in await staff.open(issue)
    assert "handler（今天" not in staff.html


async def test_an_issue_that_is_claimed_again_is_not_said_to_wait_for_somebody(world: World) -> None:
    issue = await bring_to_customs(world)
    staff, handler = visitor(world, "staff"), visitor(world, "handler")
    assert "等待经办关员认领" in await staff.open(issue)
    task = await task_of(handler, "claimable")
    await handler.open(task)
    await handler.send(f"{task}/claim", {})
    html = await staff.open(issue)
    assert "连云港海关正在办理" in html
    assert "等待经办关员认领" not in html


async def test_only_officers_who_may_read_it_are_at_an_issue(world: World) -> None:
    issue = await bring_to_customs(world)
    for name, status in (("staff", 403), ("elsewhere", 404), ("registrar", 403), ("supervisor", 200)):
        other = visitor(world, name)
        await other.open("/tasks")
        await other.send(f"{issue}/presence", {})
        assert other.status == status, name
        await other.open(f"{issue}/similar")
        assert other.status == status, name


async def test_a_similar_answer_is_shown_as_text_and_quoted_beside_an_answer_only(world: World) -> None:
    answered, issue = await answered_and_open(world)
    handler = visitor(world, "handler")
    html = await handler.open(f"{issue}/similar")
    assert f'href="{answered}"' in html
    assert "应当计入，&lt;b&gt;依据&lt;/b&gt;见规定。" in html
    assert "data-insert-from" not in html
    assert "data-insert-from" in await handler.open(f"{issue}/similar?beside=1")
    await handler.open(await task_of(handler, "claimable"))
    assert f'href="{issue}/similar"' in handler.html, "a way to them without JavaScript"
    assert "没有找到类似的" in await visitor(world, "colleague").open(f"{answered}/similar")

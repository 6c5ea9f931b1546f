"""Answer templates: one's own and the office's; who uses and changes which."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.answer_templates import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST,
    add_template,
    change_template,
    drop_template,
    find_template,
    list_templates,
)
from domain.exceptions import CannotKeep


async def titles(session: AsyncSession, actor: Any) -> list[tuple[str, str | None]]:
    return [(one.title, one.office_name) for one in await list_templates(session, actor)]


async def test_ones_own_come_first_and_the_offices_are_shared(session: AsyncSession, world: Any) -> None:
    handler, chief = await world.officer("handler:2301"), await world.officer("section_chief:2301")
    elsewhere, supervisor = await world.officer("handler:2302"), await world.officer("supervisor:2301")
    await add_template(session, chief, title="政策依据", text="依据", office="2301", now=world.now)
    await add_template(session, handler, title="问候", text="您好", office=None, now=world.now)
    assert await titles(session, handler) == [("问候", None), ("政策依据", "连云港海关")]
    assert await titles(session, chief) == [("政策依据", "连云港海关")]
    assert await titles(session, elsewhere) == []
    assert await titles(session, supervisor) == []


async def test_who_may_use_one_may_change_and_delete_it_and_nobody_else(
    session: AsyncSession, world: Any
) -> None:
    handler, chief = await world.officer("handler:2301"), await world.officer("section_chief:2301")
    stranger = await world.officer("handler:2302", "supervisor:2301")
    shared = await add_template(session, handler, title="共用", text="一", office="2301", now=world.now)
    own = await add_template(session, handler, title="自用", text="一", office=None, now=world.now)
    for template, actor, may in (
        (shared, chief, True),
        (shared, stranger, False),
        (own, chief, False),
        (own, handler, True),
    ):
        assert (await find_template(session, actor, template.id) is not None) is may
    await change_template(session, chief, shared, title="共用", text="二", now=world.now)
    [seen] = [one for one in await list_templates(session, handler) if one.office]
    assert (seen.text, seen.changed_by_name) == ("二", chief.name)
    await drop_template(session, stranger, shared.id)
    assert len(await list_templates(session, handler)) == 2
    await drop_template(session, chief, shared.id)
    assert await titles(session, handler) == [("自用", None)]


@pytest.mark.parametrize(
    ("title", "text", "office", "wrong"),
    [
        (" ", "文字", None, {"title"}),
        ("名称", "\n ", None, {"text"}),
        ("长" * (LONGEST_TITLE + 1), "长" * (LONGEST_TEXT + 1), None, {"title", "text"}),
        ("名称", "文字", "2302", {"office"}),
    ],
)
async def test_what_is_missing_too_long_or_anothers_is_named(
    session: AsyncSession, world: Any, title: str, text: str, office: str | None, wrong: set[str]
) -> None:
    handler = await world.officer("handler:2301", "supervisor:2302")
    with pytest.raises(CannotKeep) as refused:
        await add_template(session, handler, title=title, text=text, office=office, now=world.now)
    assert set(refused.value.errors) == wrong
    assert await list_templates(session, handler) == []


async def test_there_is_an_end_to_them_on_each_side(session: AsyncSession, world: Any) -> None:
    handler = await world.officer("handler:2301")
    for number in range(MOST):
        await add_template(session, handler, title=str(number), text="文字", office=None, now=world.now)
    with pytest.raises(CannotKeep):
        await add_template(session, handler, title="再来", text="文字", office=None, now=world.now)
    await add_template(session, handler, title="再来", text="文字", office="2301", now=world.now)

"""答复模板: texts that handlers answer with, their own and those of their office.

A handler or section chief reads and changes their own and those of every office where they are one of the two.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_name, clean_text, is_plain
from domain.actor import Actor
from domain.exceptions import CannotKeep
from domain.models import AnswerTemplate, CustomsOffice, Person

USERS = ("handler", "section_chief")
LONGEST_TITLE = 40
LONGEST_TEXT = 5000  # as an answer
MOST = 100


@dataclass(frozen=True)
class TemplateView:
    """One template; `office` and `office_name` are None for one's own."""

    id: UUID
    title: str
    text: str
    office: str | None
    office_name: str | None
    changed_by_name: str
    changed_at: datetime


async def list_templates(session: AsyncSession, actor: Actor) -> list[TemplateView]:
    """What this officer may answer with: their own first, then office by office."""
    rows = await session.execute(
        select(
            col(AnswerTemplate.id),
            col(AnswerTemplate.title),
            col(AnswerTemplate.text),
            col(AnswerTemplate.office),
            col(CustomsOffice.name),
            col(Person.name),
            col(AnswerTemplate.changed_at),
        )
        .outerjoin(CustomsOffice, col(CustomsOffice.code) == col(AnswerTemplate.office))
        .join(Person, col(Person.id) == col(AnswerTemplate.changed_by))
        .where(_usable_by(actor))
        .order_by(col(AnswerTemplate.office).nulls_first(), col(AnswerTemplate.title), col(AnswerTemplate.id))
    )
    return [TemplateView(*row) for row in rows]


async def find_template(session: AsyncSession, actor: Actor, template_id: UUID) -> AnswerTemplate | None:
    """One that this officer may use and change; None for all others."""
    rows = await session.scalars(
        select(AnswerTemplate).where(col(AnswerTemplate.id) == template_id, _usable_by(actor))
    )
    return rows.one_or_none()


async def add_template(
    session: AsyncSession, actor: Actor, *, title: str, text: str, office: str | None, now: datetime
) -> AnswerTemplate:
    """A new one, of this officer or of an office of theirs. Raises CannotKeep."""
    title, text = clean_name(title), clean_text(text)
    errors = _look_at(title, text)
    if office is not None and office not in actor.offices_as(*USERS):
        errors["office"] = "您不能管理这个单位的模板。"
    if errors:
        raise CannotKeep(errors)
    owner = None if office else actor.person_id
    beside = col(AnswerTemplate.office) == office if office else col(AnswerTemplate.owner_id) == owner
    if (await session.scalar(select(func.count()).where(beside)) or 0) >= MOST:
        raise CannotKeep({"title": f"最多保存 {MOST} 个模板，请先删除不用的。"})
    template = AnswerTemplate(
        owner_id=owner,
        office=office,
        title=title,
        text=text,
        changed_by=actor.person_id,
        changed_at=now,
    )
    session.add(template)
    await session.flush()
    return template


async def change_template(
    session: AsyncSession, actor: Actor, template: AnswerTemplate, *, title: str, text: str, now: datetime
) -> None:
    """Another title, another text; whose it is stays. Raises CannotKeep."""
    title, text = clean_name(title), clean_text(text)
    if errors := _look_at(title, text):
        raise CannotKeep(errors)
    template.title, template.text = title, text
    template.changed_by, template.changed_at = actor.person_id, now
    await session.flush()


async def drop_template(session: AsyncSession, actor: Actor, template_id: UUID) -> None:
    """Delete one; one that is gone already, or not theirs to change, changes nothing."""
    if template := await find_template(session, actor, template_id):
        await session.delete(template)
        await session.flush()


def _usable_by(actor: Actor) -> ColumnElement[bool]:
    offices = sorted(actor.offices_as(*USERS))
    return or_(
        col(AnswerTemplate.owner_id) == actor.person_id,
        col(AnswerTemplate.office).in_(offices),
    )


def _look_at(title: str, text: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not title:
        errors["title"] = "请填写模板名称。"
    elif len(title) > LONGEST_TITLE or not is_plain(title):
        errors["title"] = f"模板名称最多 {LONGEST_TITLE} 个字，不能有特殊符号。"
    if not text:
        errors["text"] = "请填写模板内容。"
    elif len(text) > LONGEST_TEXT:
        errors["text"] = f"模板内容最多 {LONGEST_TEXT} 个字。"
    return errors

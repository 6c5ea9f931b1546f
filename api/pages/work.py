"""A task's form on a page: what was posted as answers, the form with every mistake, its shape as it is filled in."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.datastructures import FormData, UploadFile

from api.json.attachments import take_file
from api.pages.picture_parts import PICTURES
from api.pages.render import as_list
from api.pages.script_answers import FieldShape
from api.pages.step_words import Speaker
from api.pages.wording import short_moment
from api.wired import Wired
from db.ids import uuid7
from domain.actor import Actor
from domain.models import Attachment
from tasks.fields import Field, FormContext, Schema, fields, inputs, options
from tasks.inbox import TaskView
from tasks.values import tidy

# What a form carries besides its answers.
OURS = frozenset({"csrf_token", "idempotency_key", "version", "act", "template"})
UPLOAD = ".upload"  # what a file input adds to its field's key, for browsers that send files with the form
REPLACE = ".replace"  # the same for a field that holds one file
TICKED = ("on", "true", "1", True)


@dataclass(frozen=True)
class Work:
    """One form as `parts/task_form.html` draws it."""

    name: str
    address: str
    fields: Sequence[Field]
    button: str
    key: str
    version: int | None = None
    draft_address: str | None = None
    save_button: str = "保存草稿"
    saved: str = ""
    says: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    lead: str | None = None
    ways: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    files: Mapping[str, Attachment] = field(default_factory=dict[str, Attachment])
    upload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pictures: str = PICTURES
    templates: Sequence[tuple[str, Sequence[Any]]] | None = None
    """What may be put into the answer, by whose it is; None where nothing may be."""

    def moved(self, move: Callable[[str], str]) -> "Work":
        """The same form at other addresses of ours: those of the phone version."""
        return replace(
            self,
            address=move(self.address),
            draft_address=self.draft_address and move(self.draft_address),
            ways={key: (move(way), name) for key, (way, name) in self.ways.items()},
            upload={**self.upload, "on_phone": True},
        )

    def with_wechat(self) -> "Work":
        """The same form, whose file fields also take pictures of WeChat's."""
        return replace(self, upload={**self.upload, "wechat": self.pictures})

    @property
    def takes_files(self) -> bool:
        """Whether a file may be added to it."""
        return any(one.kind == "filepicker" for one in walk(self.fields))

    @property
    def labels(self) -> set[str]:
        """The keys an error may point at."""
        return {one.key for one in walk(self.fields)}


def read_answers(form: FormData) -> dict[str, Any]:
    """What a page posted, without what is ours; a blank stands for a list from which everything was taken."""
    answers: dict[str, Any] = {}
    for key in form:
        if key in OURS or key.endswith((UPLOAD, REPLACE)):
            continue
        values = [value for value in form.getlist(key) if isinstance(value, str)]
        filled = [value for value in values if value != ""]
        answers[key] = filled[0] if len(filled) == 1 else filled or ""
    return answers


def type_answers(schema: Schema, context: FormContext, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Posted texts as what conditions compare: the option that was picked, true for a tick, a number. Checks nothing."""
    typed = dict(answers)
    for component, _ in inputs(schema):
        raw = answers.get(component["key"])
        if component["type"] == "checkbox" and component["key"] in answers:
            typed[component["key"]] = raw in TICKED
        elif isinstance(raw, str) and raw:
            values = {str(option.value): option.value for option in options(component, context)}
            number = raw if component["type"] == "number" and re.fullmatch(r"-?\d{1,15}", raw) else None
            typed[component["key"]] = int(number) if number else values.get(raw, tidy(component, raw))
    return typed


async def keep_uploads(
    session: AsyncSession, wired: Wired, actor: Actor, form: FormData, answers: dict[str, Any], now: datetime
) -> None:
    """Files sent with the form itself (by browsers without JavaScript) join the answers. Raises AttachmentRefused."""

    async def keep(file: UploadFile) -> UUID:
        return (await take_file(session, wired, actor, file, now)).id

    await take_uploads(form, answers, keep)


async def take_uploads(
    form: FormData, answers: dict[str, Any], keep: Callable[[UploadFile], Awaitable[UUID]]
) -> None:
    """What came as a file joins the answers under the id that `keep` gives it; a field of one file changes it."""
    for key, file in form.multi_items():
        if key.endswith((UPLOAD, REPLACE)) and isinstance(file, UploadFile) and file.filename:
            name = key.removesuffix(UPLOAD).removesuffix(REPLACE)
            before = as_list(answers.get(name)) if key.endswith(UPLOAD) else []
            answers[name] = [*before, str(await keep(file))]


async def draw_work(
    session: AsyncSession,
    wired: Wired,
    view: TaskView,
    *,
    entered: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    lead: str | None = None,
    speaker: Speaker,
) -> Work:
    """The form of a task of mine, with the diagram's words; `entered` is what was refused, or nothing yet."""
    if entered is None:
        shown = drop_unreachable(view.fields)
    else:
        shown = drop_unreachable(
            fields(view.form, view.context, type_answers(view.form, view.context, entered))
        )
    return Work(
        name=view.line.name,
        address=f"/tasks/{view.line.id}",
        draft_address=f"/tasks/{view.line.id}/draft",
        fields=shown,
        button=speaker.button(view.definition.elements.get(view.line.element_id)),
        says="decision"
        if any(one.key == "decision" and one.kind == "radio" for one in walk(shown))
        else None,
        key=str(uuid7()),
        version=view.line.version,
        saved=f"草稿已于 {short_moment(view.draft_saved_at, speaker.now)} 保存"
        if view.draft_saved_at
        else "",
        errors=errors or {},
        lead=lead,
        files=await find_files(session, shown),
        upload=upload_of(wired),
    )


def ways_out(actor: Actor) -> dict[str, tuple[str, str]]:
    """Where this person can put right what no field of the form is about: an address and its name, by the error's key."""
    if "enterprise_admin" not in actor.roles:
        return {}
    return {"no_executive": ("/members/new?role=executive", "现在添加企业高管")}


def upload_of(wired: Wired) -> dict[str, Any]:
    """Where the script sends files, and how large they may be."""
    return {
        "address": "/api/v1/attachments",
        "most_bytes": wired.settings.attachment_max_bytes,
    }


def walk(shown: Iterable[Field]) -> Iterator[Field]:
    """Every field, those in groups too."""
    for one in shown:
        yield one
        yield from walk(one.children)


def drop_unreachable(shown: Sequence[Field]) -> list[Field]:
    """Without the fields that are hidden whatever one answers here (by who I am, by the issue): a page cannot bring them back."""
    keys = {one.key for one in walk(shown)}

    def is_reachable(one: Field) -> bool:
        return not one.hidden or any(re.search(rf"(?<![.\w]){key}\b", one.hide_when or "") for key in keys)

    def keep(some: Iterable[Field]) -> list[Field]:
        return [replace(one, children=tuple(keep(one.children))) for one in some if is_reachable(one)]

    return keep(shown)


def shape(shown: Iterable[Field]) -> dict[str, FieldShape]:
    """Which fields the answers so far call for, and which of them must be filled in."""
    return {one.key: FieldShape(hidden=one.hidden, required=one.required) for one in walk(shown)}


async def find_files(session: AsyncSession, shown: Iterable[Field]) -> dict[str, Attachment]:
    """The files the form's answers name, by id."""
    ids: list[UUID] = []
    for one in walk(shown):
        if one.kind == "filepicker":
            for value in as_list(one.value):
                try:
                    ids.append(UUID(str(value)))
                except ValueError:
                    continue  # the check names the field
    if not ids:
        return {}
    rows = await session.scalars(select(Attachment).where(col(Attachment.id).in_(ids)))
    return {str(row.id): row for row in rows}

"""An application under way, as its pages need it: found for this browser, or where to go instead; its answers in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import Response

from api.pages.render import as_list, go_to
from api.security import browser_key
from domain import applications
from domain.models import Attachment, RegistrationDraft, SignInChallenge
from tasks import forms
from tasks.exceptions import NotFound
from tasks.fields import inputs
from tasks.registrations import Typing

LICENCE = "licence"  # a column of the registration: its page shows the file itself


@dataclass(frozen=True)
class Application:
    """Somebody whose phone is proved, and what they have typed so far."""

    challenge: SignInChallenge
    draft: RegistrationDraft

    @property
    def answers(self) -> Mapping[str, Any]:
        """By the form's keys, unchecked."""
        return self.draft.answers


@dataclass(frozen=True)
class AnswerLine:
    """One line of the page on which everything is checked."""

    key: str
    label: str
    text: str


async def find_application(
    request: Request, session: AsyncSession, challenge: UUID, now: datetime, *, lock: bool = False
) -> Application | Response:
    """The application of this browser; else the page to go to: the receipt once it is sent, the phone when it has expired."""
    found = await applications.find_challenge(session, challenge, browser_key(request), lock=lock)
    if found is None:
        return go_to("/register/phone")
    if await applications.find_registration_of(session, challenge) is not None:
        return go_to(f"/register/{challenge}/done")
    draft = await applications.find_draft(session, challenge, now)
    if draft is None:
        unused = found.used_at is None and now < found.expires_at
        return go_to(f"/register/{challenge}/code" if unused else "/register/phone?expired=true")
    return Application(found, draft)


async def open_application(
    request: Request, session: AsyncSession, challenge: UUID, now: datetime, *, lock: bool = False
) -> Application:
    """The same for a script: NotFound where there is no such application."""
    found = await find_application(request, session, challenge, now, lock=lock)
    if isinstance(found, Response):
        raise NotFound
    return found


async def licence_of(session: AsyncSession, challenge: SignInChallenge, file_id: UUID) -> Attachment | None:
    """A file that was uploaded for this challenge."""
    return await session.scalar(
        select(Attachment).where(col(Attachment.id) == file_id, col(Attachment.challenge_id) == challenge.id)
    )


async def show_answers(
    session: AsyncSession, typing: Typing, application: Application
) -> tuple[Sequence[AnswerLine], Attachment | None]:
    """Every field of the form in words, the empty ones too, and the licence."""
    described = {
        one["key"]: one["text"]
        for one in forms.describe(typing.form, application.answers, typing.context.lists)
    }
    lines: list[AnswerLine] = []
    licence: Attachment | None = None
    for component, _ in inputs(typing.form):
        key = component["key"]
        if component["type"] == "filepicker":
            ids = [UUID(str(file_id)) for file_id in as_list(application.answers.get(key))]
            files = [await licence_of(session, application.challenge, file_id) for file_id in ids]
            if key == LICENCE:
                licence = next((file for file in files if file), None)
            else:
                names = "、".join(file.name for file in files if file)
                lines.append(AnswerLine(key, component["label"], names))
        elif component["type"] != "checkbox":
            lines.append(AnswerLine(key, component["label"], described.get(key, "")))
        elif key in described:
            lines.append(AnswerLine(key, component["label"], described[key]))
    return lines, licence

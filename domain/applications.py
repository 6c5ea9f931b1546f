"""Before there is a registration: somebody without an account proves a phone by its code, types the form over as long as it
takes, and uploads a licence. Everything belongs to the one-time code's challenge and to the browser that asked for it."""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cleaning import clean_identifier
from domain.attachments import ReadFile, keep_file, read_file
from domain.code_limits import CodeLimits
from domain.codes import count_failure, hash_code, refuse_code, try_code
from domain.codes import find_challenge as find_asked
from domain.exceptions import AttachmentRefused, CodeRefused
from domain.files.store import AttachmentStore
from domain.files.types import PDF, PICTURE_TYPES
from domain.models import Attachment, Registration, RegistrationDraft, SignInChallenge
from domain.people import normalise_phone
from domain.scanning import Scanner

PURPOSE = "register"
WRONG_CODE = "手机号或验证码不正确，或验证码已失效。"
KEPT = timedelta(days=1)
MOST_FILES = 5  # a challenge: one licence, and some better pictures of it
LICENCE_TYPES = (*PICTURE_TYPES, PDF)


async def prove_phone(
    session: AsyncSession,
    challenge_id: UUID | None,
    phone: str,
    code: str,
    *,
    purpose: str = PURPOSE,
    browser_key: str | None,
    limits: CodeLimits,
    now: datetime,
) -> SignInChallenge:
    """The challenge that this code opens; the code is taken. Raises CodeRefused (counted) and TooManyCodes."""
    normal = normalise_phone(phone) or ""
    bound: dict[str, Any] = {"browser_key": browser_key, "limits": limits, "now": now}
    tried = await find_asked(session, challenge_id, normal, purpose=purpose, **bound)
    if tried is None or not try_code(tried, code, **bound):
        raise await refuse_code(session, tried, **bound, otherwise=WRONG_CODE)
    tried.used_at = now
    return tried


def require_same_code(
    challenge: SignInChallenge, phone: str, code: str, *, limits: CodeLimits, now: datetime
) -> None:
    """For a challenge that was used: CodeRefused (counted) unless this is the very code, sent again from the same phone."""
    normal = normalise_phone(phone) or ""
    key = challenge.browser_key
    given = hash_code(limits.pepper, challenge.id, PURPOSE, normal, key, clean_identifier(code))
    if challenge.tries < limits.tries and hmac.compare_digest(given, challenge.code_hash):
        return
    count_failure(challenge, now)
    raise CodeRefused(WRONG_CODE)


async def open_draft(session: AsyncSession, challenge: SignInChallenge, now: datetime) -> RegistrationDraft:
    """An empty application for this proved phone."""
    draft = RegistrationDraft(challenge_id=challenge.id, opened_at=now, saved_at=now)
    session.add(draft)
    await session.flush()
    return draft


async def find_challenge(
    session: AsyncSession, challenge_id: UUID, browser_key: str | None, *, lock: bool = False
) -> SignInChallenge | None:
    """The challenge of a registration, if this browser asked for it. With `lock` others wait for this transaction."""
    statement = select(SignInChallenge).where(
        col(SignInChallenge.id) == challenge_id,
        col(SignInChallenge.purpose) == PURPOSE,
        col(SignInChallenge.browser_key).is_not_distinct_from(browser_key),
    )
    return await session.scalar(statement.with_for_update() if lock else statement)


async def find_draft(session: AsyncSession, challenge_id: UUID, now: datetime) -> RegistrationDraft | None:
    """What has been typed for this proved phone, as long as it is kept."""
    draft = await session.get(RegistrationDraft, challenge_id, populate_existing=True)
    return draft if draft is not None and now < draft.opened_at + KEPT else None


def save_answers(draft: RegistrationDraft, answers: Mapping[str, Any], now: datetime) -> None:
    """Keep what has been typed, unchecked."""
    draft.answers, draft.saved_at = dict(answers), now


async def find_registration_of(session: AsyncSession, challenge_id: UUID) -> Registration | None:
    """What this challenge has been used for already: a second submit gets the same."""
    return await session.scalar(select(Registration).where(col(Registration.challenge_id) == challenge_id))


async def require_room(session: AsyncSession, challenge: SignInChallenge, name: str, now: datetime) -> None:
    """AttachmentRefused unless a file (of this name) may be added to this application now."""
    alive = now < challenge.expires_at or await find_draft(session, challenge.id, now) is not None
    if not alive or await find_registration_of(session, challenge.id) is not None:
        raise AttachmentRefused("这次注册已经过期或已经提交，请重新获取验证码。", name=name)
    many = await session.scalar(
        select(func.count()).select_from(Attachment).where(col(Attachment.challenge_id) == challenge.id)
    )
    if (many or 0) >= MOST_FILES:
        raise AttachmentRefused(f"一次注册最多上传 {MOST_FILES} 个文件，请使用已上传的文件。", name=name)


async def read_licence(scanner: Scanner | None, name: str, data: bytes, max_bytes: int) -> ReadFile:
    """A picture or PDF, before any transaction. Raises AttachmentRefused, FilesBusy."""
    return await read_file(scanner, name, data, max_bytes, LICENCE_TYPES)


async def add_licence(
    session: AsyncSession, store: AttachmentStore, file: ReadFile, challenge: SignInChallenge, now: datetime
) -> Attachment:
    """A licence for an application under way; the challenge must be locked. Raises AttachmentRefused."""
    await require_room(session, challenge, file.name, now)
    return await keep_file(session, store, file, actor=None, challenge_id=challenge.id, now=now)


async def sweep_applications(session: AsyncSession, now: datetime) -> None:
    """Forget applications that were not sent within a day; their files go with the other orphans."""
    await session.execute(delete(RegistrationDraft).where(col(RegistrationDraft.opened_at) < now - KEPT))

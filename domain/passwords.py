"""Officers' passwords after NIST SP 800-63B: long enough, nothing that is guessed first, no rules of composition, no forced
rotation. Stored as argon2id; checking takes as long for nobody as for somebody.

What "guessed first" means is in `domain/weak_passwords.py`. Who may set whose password is left to the callers.
"""

import asyncio
import secrets
import unicodedata
from datetime import datetime
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import audit
from domain.actor import Actor
from domain.exceptions import PasswordRefused
from domain.models import Officer
from domain.sessions import end_all_sessions, end_session
from domain.weak_passwords import count_unforeseen

SHORTEST, LONGEST = 10, 128
FEWEST_UNFORESEEN = (
    5  # letters that are neither a common word, nor a run of keys, nor the person's own name or number
)
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread on paper: 0 o, 1 l i
TRIES = 5  # wrong old passwords after which a session ends

_argon2 = PasswordHash((Argon2Hasher(),))
_nobodys_hash = _argon2.hash("nobody has this password")  # as costly to check as a real one


def hash_password(password: str) -> str:
    """An argon2id hash. Takes tens of milliseconds: use a thread where an event loop runs."""
    return _argon2.hash(_normal(password))


async def check_password(officer: Officer | None, password: str | None) -> bool:
    """Whether this is the officer's password. Takes as long for nobody as for somebody; beside the event loop."""
    if not password:
        return False
    stored = officer.password_hash if officer else _nobodys_hash
    right = await asyncio.to_thread(_argon2.verify, _normal(password), stored)
    return right and officer is not None


def make_initial_password() -> str:
    """Three groups of four letters and digits, about 59 bits, easy to read out and to type."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(3))


def require_good_password(password: str, *, name: str, phone: str) -> None:
    """Raises PasswordRefused, with the sentence that says what to do, when this person should not use this password."""
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise PasswordRefused(f"新密码太短，至少需要 {SHORTEST} 个字符。", field="new")
    if len(normal) > LONGEST:
        raise PasswordRefused(f"新密码太长，最多 {LONGEST} 个字符。", field="new")
    if count_unforeseen(normal, name=name, phone=phone) < FEWEST_UNFORESEEN:
        raise PasswordRefused(
            "新密码太容易被猜到：去掉常见的词、连续或重复的字符、日期、您的姓名和手机号码以后，剩下的太少。请换几个互不相干的词。",
            field="new",
        )


async def set_password(
    session: AsyncSession,
    officer: Officer,
    password: str,
    *,
    must_change: bool,
    now: datetime,
    actor: Actor | None = None,
    but: UUID | None = None,
) -> None:
    """Store this password, and sign the officer out everywhere (`but` for one session). With `must_change` it lets the
    officer do nothing else than choose another one. `actor` is who sets it."""
    officer.password_hash = await asyncio.to_thread(hash_password, password)
    officer.must_change_password = must_change
    session.add(officer)
    await session.flush()
    is_own = actor is not None and actor.officer_id == officer.id
    await audit.record(
        session,
        "change_password" if is_own else "set_password",
        actor=actor,
        about="officer",
        about_id=officer.id,
        after={"must_change": must_change},
        now=now,
    )
    await end_all_sessions(session, officer.person_id, now, actor=actor, but=but)


COUNT_TRY = text("""
    UPDATE sign_in_session SET wrong_passwords = wrong_passwords + 1 WHERE id = :id RETURNING wrong_passwords
""")
FORGET_TRIES = text("UPDATE sign_in_session SET wrong_passwords = 0 WHERE id = :id")


async def change_password(session: AsyncSession, actor: Actor, old: str, new: str, *, now: datetime) -> None:
    """An officer's own new password; the other sessions of this person end. Raises PasswordRefused (`field` old or new).

    Wrong old passwords are counted in the caller's transaction (`keeps_changes`); the fifth one ends the session.
    """
    officer = await session.get(Officer, actor.officer_id) if actor.officer_id else None
    if officer is None or actor.session_id is None:
        raise PasswordRefused("只有海关关员有密码。", field="old")
    tries = await session.scalar(COUNT_TRY, {"id": actor.session_id})
    if not await check_password(officer, old):
        await audit.record(
            session,
            "fail_password",
            actor=actor,
            about="officer",
            about_id=officer.id,
            after={"tries": tries},
            now=now,
        )
        if (tries or 0) >= TRIES:
            await end_session(session, actor.session_id, actor.person_id, now, actor=actor)
            raise PasswordRefused("原密码连续填错，已退出登录，请重新登录。", field="old", signed_out=True)
        raise PasswordRefused("原密码不正确。", field="old")
    await session.execute(FORGET_TRIES, {"id": actor.session_id})
    if _normal(new) == _normal(old):
        raise PasswordRefused("新密码不能与原密码相同。", field="new")
    require_good_password(new, name=actor.name, phone=actor.phone)
    await set_password(session, officer, new, must_change=False, now=now, actor=actor, but=actor.session_id)


def _normal(password: str) -> str:
    """The same letters whatever the input method made of them (SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)

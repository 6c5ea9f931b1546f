"""What every command of an administrator begins with: one at a time, and only whoever still has the role; and how the short
texts they type are checked.

Administration is rare and its rules look at several rows (a tree without circles, a last administrator): one lock for all
of it is simpler than many, and takes part in no other command's order of locks.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cleaning import is_plain
from domain.actor import Actor
from domain.exceptions import NotAdministrator

LONGEST_NAME = 50
TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('administration', 0))")
STILL_HOLDS = text("""
SELECT EXISTS (SELECT FROM officer_role r JOIN officer f ON f.id = r.officer_id JOIN person p ON p.id = f.person_id
    WHERE r.officer_id = CAST(:officer_id AS uuid) AND r.role = :role AND f.active AND p.active)
""")


async def begin(session: AsyncSession, actor: Actor | None, role: str) -> None:
    """Wait for the turn, then look again whether the actor has this role. NotAdministrator if not.

    Without an actor (the program on the server's own machine) there is nobody to ask.
    """
    await session.execute(TAKE_TURN)
    if actor is None:
        return
    parameters = {"officer_id": actor.officer_id, "role": role}
    if not await session.scalar(STILL_HOLDS, parameters):
        raise NotAdministrator


def find_mistake(label: str, typed: str, longest: int = LONGEST_NAME, *, required: bool = True) -> str | None:
    """What is wrong with a short text that was typed, as a sentence; None for nothing."""
    if not typed:
        return f"请填写“{label}”。" if required else None
    if len(typed) > longest or not is_plain(typed):
        return f"“{label}”最多 {longest} 个字，不能有特殊符号。"
    return None

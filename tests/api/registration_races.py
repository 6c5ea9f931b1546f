"""Two applications for one uscc at the same moment, with real transactions."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from domain.applications import PURPOSE
from domain.models import Attachment, SignInChallenge
from tasks.registrations import register
from tasks.superseding import end_superseded
from tests.api.conftest import World
from tests.api.test_json_life import complete
from tests.api.test_registrations import find_review
from tests.tasks.applicants import TYPED, make_uscc

OUTCOMES = text("""
SELECT r.outcome, r.status, e.status AS enterprise, i.state_name
FROM registration r JOIN enterprise e ON e.id = r.enterprise_id JOIN process_instance i ON i.id = r.id
WHERE e.uscc = :uscc ORDER BY r.outcome
""")
WON = ("approved", "已通过", "approved", "ended")
LOST = ("superseded", "已由另一份申请注册", "superseded", "ended")


async def apply(world: World, session: AsyncSession, uscc: str, number: int) -> UUID:
    """An application for this uscc by another phone."""
    now = world.wired.read_clock()
    challenge = SignInChallenge(
        id=uuid7(),
        phone=f"+86136{number:08d}",
        purpose=PURPOSE,
        code_hash="-",
        created_at=now,
        expires_at=now,
    )
    file = Attachment(
        id=uuid7(),
        challenge_id=challenge.id,
        name="执照.png",
        size=1,
        media_type="image/png",
        sha256="-",
        stored_as=f"{number}.png",
        created_at=now,
    )
    session.add_all([challenge, file])
    await session.flush()
    fields = {**TYPED, "uscc": uscc, "licence": [str(file.id)]}
    return (await register(session, world.wired.engine, challenge, fields, now)).id


async def claim_all(world: World, uscc: str, first: int, many: int) -> list[dict[str, Any]]:
    """So many applications for this uscc, each claimed by the registrar; their tasks."""
    async with world.wired.sessions() as session:
        ids = [await apply(world, session, uscc, first + place) for place in range(many)]
        await session.commit()
    registrar = world.client("registrar")
    tasks = [await find_review(registrar, str(id_)) for id_ in ids]
    claimed = [(await registrar.post(f"/api/v1/tasks/{task['id']}/claim")).json() for task in tasks]
    await registrar.aclose()
    return claimed


async def outcomes(world: World, uscc: str) -> list[tuple[Any, ...]]:
    async with world.wired.sessions() as session:
        return [tuple(row) for row in await session.execute(OUTCOMES, {"uscc": uscc})]


async def two_approvals(world: World, number: int) -> None:
    """One enterprise; the other ends as superseded through its own diagram, and both registrars get their answer."""
    uscc = make_uscc()
    tasks = await claim_all(world, uscc, number * 10, 2)
    one, other = world.client("registrar"), world.client("registrar")
    answers = await asyncio.gather(
        *(complete(who, task, {"decision": "approve"}) for who, task in zip((one, other), tasks, strict=True))
    )
    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    assert await outcomes(world, uscc) == [WON, LOST]


async def approval_against_the_job(world: World, number: int) -> None:
    """The loser is approved at the very moment in which the winner's job ends it: it ends once, as superseded."""
    uscc = make_uscc()
    first, second, third = await claim_all(world, uscc, number * 10 + 3, 3)
    one, other = world.client("registrar"), world.client("registrar")
    assert (await complete(one, first, {"decision": "approve"})).is_success
    wired = world.wired
    now = wired.read_clock()
    lost, *ended = await asyncio.gather(
        complete(other, second, {"decision": "approve"}),
        end_superseded(wired.sessions, wired.engine, now, uscc),
        end_superseded(wired.sessions, wired.engine, now, uscc),
    )
    assert lost.status_code in (200, 409), lost.text
    assert sum(ended) == (1 if lost.status_code == 200 else 2), third["id"]
    assert await outcomes(world, uscc) == [WON, LOST, LOST]

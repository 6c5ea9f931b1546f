"""The transaction of a request. Opened when a route asks for it, committed before the answer is sent, closed in any case:
this is the one place of the web application that commits.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from errors import Refusal


class SignedOut(Refusal):
    """请先登录。"""


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One session with one transaction. Nothing is kept when the route raises, unless the refusal itself is something
    to remember (`keeps_changes`: a wrong code counts as a try)."""
    async with request.app.state.wired.sessions() as session:
        try:
            yield session
        except Refusal as refusal:
            if refusal.keeps_changes:
                await session.commit()
            raise
        await session.commit()


async def keep(session: AsyncSession) -> None:
    """Commit what must stay whatever comes next (a challenge that is taken, a failed try), and go on in a new transaction."""
    await session.commit()


# scope="function": the commit happens before the answer is sent. Without it a client could be told 200 for what failed.
SessionDep = Annotated[AsyncSession, Depends(open_session, scope="function")]

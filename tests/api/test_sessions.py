"""The transaction of a request: committed before the answer, gone when the route raises, kept for what must be remembered."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.conftest import World


async def test_a_commit_that_fails_is_never_answered_with_success(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: AsyncSession) -> None:
        raise RuntimeError("the commit fails")

    monkeypatch.setattr(AsyncSession, "commit", fail)
    answer = await world.client("staff").delete("/api/v1/sessions/current")
    assert answer.status_code == 500
    monkeypatch.undo()
    assert (await world.client("staff").get("/api/v1/me")).status_code == 200


async def test_the_commit_comes_before_the_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    commit = AsyncSession.commit

    async def note_commit(self: AsyncSession) -> None:
        await commit(self)
        order.append("commit")

    monkeypatch.setattr(AsyncSession, "commit", note_commit)

    async def note_answer(scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            order.append(message["type"])
            await send(message)

        await world.app(scope, receive, noting)

    import httpx

    transport = httpx.ASGITransport(note_answer)
    headers = {"Authorization": f"Bearer {world.tokens['staff']}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000", headers=headers
    ) as client:
        await client.get("/api/v1/me")
    assert order[:2] == ["commit", "http.response.start"]


async def test_a_refused_request_changes_nothing(world: World) -> None:
    client = world.client("staff")
    await client.post("/api/v1/issues", json={"title": "x" * 500, "office": "9999"})
    async with world.wired.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM issue")) == 0


async def test_a_wrong_code_counts_although_it_is_refused(world: World) -> None:
    client = world.client()
    challenge = (await client.post("/api/v1/sign-in/code", json={"phone": "13900000001"})).json()["challenge"]
    for _ in range(2):
        refused = await client.post(
            "/api/v1/sign-in", json={"challenge": challenge, "phone": "13900000001", "code": "000000"}
        )
        assert refused.status_code == 401
    async with world.wired.sessions() as session:
        tries = await session.scalar(
            text("SELECT tries FROM sign_in_challenge WHERE id = CAST(:id AS uuid)"), {"id": challenge}
        )
    assert tries == 2

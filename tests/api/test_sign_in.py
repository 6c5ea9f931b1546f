"""Signing in by the JSON contract: every limit of one-time codes is refused as a problem that tells the time to wait."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from tests.api.conftest import World

KNOWN, OTHER, UNKNOWN = "13900000001", "13900000002", "13612345678"


class Sink:
    """A sender of codes that keeps the last one."""

    code = ""

    async def __call__(self, _session: Any, *, code: str, **_: Any) -> None:
        self.code = code


@pytest.fixture
def sink() -> Sink:
    return Sink()


def limited(world: World, sink: Sink, **limits: Any) -> httpx.AsyncClient:
    """A program before a server with only these limits, whose codes can be read."""
    off: dict[str, Any] = dict.fromkeys(
        ("per_phone_hour", "per_phone_day", "per_ip_hour", "per_ip_day", "per_day"), 0
    )
    code_limits = replace(world.wired.code_limits, **{**off, "resend_s": (), **limits})
    wired = replace(world.wired, code_limits=code_limits, send_code=sink)
    return replace(world, wired=wired, app=create_app(wired)).client()


async def ask(client: httpx.AsyncClient, phone: str = KNOWN) -> str:
    answer = await client.post("/api/v1/sign-in/code", json={"phone": phone})
    assert answer.status_code == 202, answer.text
    return answer.json()["challenge"]


async def enter(
    client: httpx.AsyncClient, challenge: str | None, code: str, phone: str = KNOWN
) -> httpx.Response:
    body = {"challenge": challenge, "phone": phone, "code": code}
    return await client.post("/api/v1/sign-in", json=body)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_code_is_good_once(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    challenge = await ask(client)
    assert (await enter(client, challenge, sink.code)).status_code == 200
    assert (await enter(client, challenge, sink.code)).status_code == 401


async def test_five_guesses_burn_the_code(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    challenge = await ask(client)
    for _ in range(5):
        assert (await enter(client, challenge, wrong(sink.code))).status_code == 401
    assert (await enter(client, challenge, sink.code)).status_code == 401


async def test_an_old_code_is_void_once_there_is_a_new_one(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    first, first_code = await ask(client), sink.code
    second = await ask(client)
    assert (await enter(client, first, first_code)).status_code == 401
    assert (await enter(client, second, sink.code)).status_code == 200


async def test_a_code_is_bound_to_the_browser_that_asked(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    client.cookies.set("qingling_browser", "the browser that asked")
    challenge = await ask(client)
    client.cookies.set("qingling_browser", "another browser")
    assert (await enter(client, challenge, sink.code)).status_code == 401
    client.cookies.set("qingling_browser", "the browser that asked")
    assert (await enter(client, challenge, sink.code)).status_code == 200


async def test_a_code_for_another_phone_or_purpose_opens_nothing(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    challenge = await ask(client)
    assert (await enter(client, challenge, sink.code, OTHER)).status_code == 401
    async with world.wired.sessions() as session:
        await session.execute(text("UPDATE sign_in_challenge SET purpose = 'registration'"))
        await session.commit()
    assert (await enter(client, challenge, sink.code)).status_code == 401


async def test_a_code_dies_after_five_minutes(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    challenge = await ask(client)
    async with world.wired.sessions() as session:
        await session.execute(text("UPDATE sign_in_challenge SET expires_at = now() - interval '1 s'"))
        await session.commit()
    assert (await enter(client, challenge, sink.code)).status_code == 401


@pytest.mark.parametrize(
    ("limit", "value", "wait_s", "phone"),
    [
        ("resend_s", (60,), 60, KNOWN),
        ("per_phone_hour", 1, 3600, KNOWN),
        ("per_phone_day", 1, 86400, KNOWN),
        ("per_ip_hour", 1, 3600, OTHER),
        ("per_ip_day", 1, 86400, OTHER),
        ("per_day", 1, 86400, OTHER),
    ],
)
async def test_each_flood_is_refused_with_the_time_to_wait(
    world: World, sink: Sink, limit: str, value: Any, wait_s: int, phone: str
) -> None:
    client = limited(world, sink, **{limit: value})
    await ask(client)
    refused = await client.post("/api/v1/sign-in/code", json={"phone": phone})
    problem = refused.json()
    assert refused.status_code == 429 and problem["type"].endswith("too_many_codes")
    assert wait_s - 10 <= problem["retry_after_s"] <= wait_s
    assert refused.headers["retry-after"] == str(problem["retry_after_s"])
    assert "后再试" in problem["detail"]


async def test_ten_failures_lock_sign_in_and_codes_for_fifteen_minutes(world: World, sink: Sink) -> None:
    client = limited(world, sink)
    challenge = ""
    for _ in range(2):
        challenge = await ask(client)
        for _ in range(5):
            await enter(client, challenge, wrong(sink.code))
    locked = await enter(client, challenge, sink.code)
    assert locked.status_code == 429 and 890 <= int(locked.headers["retry-after"]) <= 900
    assert "连续登录失败次数过多" in locked.json()["detail"]
    assert (await client.post("/api/v1/sign-in/code", json={"phone": KNOWN})).status_code == 429
    assert (await client.post("/api/v1/sign-in/code", json={"phone": OTHER})).status_code == 202


async def test_known_and_unknown_phones_get_the_same_answers(world: World, sink: Sink) -> None:
    client = limited(world, sink, resend_s=(60,))
    seen: list[list[Any]] = []
    for phone in (KNOWN, UNKNOWN):
        challenge = await ask(client, phone)
        answers = [
            await client.post("/api/v1/sign-in/code", json={"phone": phone}),
            await enter(client, challenge, wrong(sink.code), phone),
            await enter(client, None, "000000", phone),
        ]
        told = [answer.json() for answer in answers]
        seen.append(
            [
                {k: v for k, v in one.items() if k not in ("request_id", "retry_after_s", "detail")}
                for one in told
            ]
            + [one["detail"] for one in told[1:]]
        )
    assert seen[0] == seen[1]

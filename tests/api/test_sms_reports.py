"""What an SMS provider calls back, over HTTP: taken from who knows the address, refused from all others, the same told twice."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from messages.models import Message, MessageAttempt
from sms.callbacks import ACKNOWLEDGEMENTS, MAX_BYTES, make_callback_token
from tests.api.conftest import World

SID = "2019:538960"
ROW = {
    "user_receive_time": "2026-11-25 08:03:04",
    "nationcode": "86",
    "mobile": "13900000001",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": SID,
}


async def sent(world: World) -> UUID:
    """A message that the provider took."""
    now = datetime.now(UTC)
    message = Message(
        person_id=world.people["staff"],
        template="answered",
        state="sent",
        channel="sms",
        provider="tencent",
        reference=SID,
        created_at=now,
        due_at=now,
        sent_at=now,
    )
    async with world.wired.sessions.begin() as session:
        session.add(message)
        await session.flush()
        session.add(
            MessageAttempt(
                message_id=message.id,
                at=now,
                channel="sms",
                provider="tencent",
                ended_at=now,
                outcome="accepted",
                reference=SID,
            )
        )
    return message.id


async def state_of(world: World, id_: UUID) -> tuple[Any, ...]:
    async with world.wired.sessions() as session:
        found = await session.execute(
            text("SELECT state, arrived, report_code FROM message WHERE id = :id"), {"id": id_}
        )
        return tuple(found.one())


async def call(world: World, body: bytes, token: str | None = None) -> httpx.Response:
    token = token or make_callback_token(world.wired.settings.pepper, "tencent")
    headers = {"content-type": "application/json"}
    return await world.client().post(f"/sms/reports/tencent/{token}", content=body, headers=headers)


async def test_a_report_is_written_down_and_acknowledged_each_time(world: World) -> None:
    id_ = await sent(world)
    for _ in range(2):
        answer = await call(world, json.dumps([ROW]).encode())
        assert (answer.status_code, answer.content) == (200, ACKNOWLEDGEMENTS["tencent"])
        assert await state_of(world, id_) == ("sent", True, "DELIVRD")


async def test_what_did_not_arrive_goes_on(world: World) -> None:
    id_ = await sent(world)
    await call(world, json.dumps([ROW | {"report_status": "FAIL", "errmsg": "MK:0012"}]).encode())
    state, arrived, code = await state_of(world, id_)
    assert (state, arrived, code) == ("queued", False, "MK:0012")


async def test_a_false_address_learns_nothing_and_changes_nothing(world: World) -> None:
    id_ = await sent(world)
    body = json.dumps([ROW]).encode()
    for token in ("0" * 64, make_callback_token(b"another server", "tencent")):
        assert (await call(world, body, token)).status_code == 404
    elsewhere = await world.client().post(
        f"/sms/reports/pigeon/{make_callback_token(world.wired.settings.pepper, 'pigeon')}", content=body
    )
    assert elsewhere.status_code == 404
    assert await state_of(world, id_) == ("sent", None, None)


async def test_what_cannot_be_read_is_refused_whole(world: World) -> None:
    id_ = await sent(world)
    for body in (b"", b"{", json.dumps([ROW, {"sid": "x"}]).encode(), b"[" + b" " * MAX_BYTES + b"]"):
        assert (await call(world, body)).status_code == 422
    assert await state_of(world, id_) == ("sent", None, None)

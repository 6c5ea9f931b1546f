"""A code is sealed until it is sent or has expired, then erased; it stands in no list, no log, no job."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from messages.codes import CodeOutbox
from messages.routes import MemoryRoute, Outgoing
from messages.sealing import Sealer
from sending import AddressRefused, OperatorNeeded, Receipt, TryLater, Uncertain

CODE, PHONE = "493817", "+8613800000001"


async def queue(post: Any, *, deliver: bool = True) -> UUID:
    async with post.sessions.begin() as session:
        await CodeOutbox(post.sealer)(
            session,
            phone=PHONE,
            person_id=post.person.id,
            purpose="sign_in",
            code=CODE,
            deliver=deliver,
            expires_at=post.now + timedelta(minutes=5),
            now=post.now,
        )
        return await session.scalar(text("SELECT id FROM message ORDER BY id DESC LIMIT 1"))


async def read_whole_database(post: Any) -> str:
    """Every row of every table, as text."""
    async with post.sessions() as session:
        names = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        rows: list[str] = []
        for name in names.all():
            rows += await session.scalars(text(f'SELECT row_to_json(t)::text FROM "{name}" t'))
    assert len(rows) > 3
    return "\n".join(rows)


async def test_the_digits_lie_nowhere_in_clear_and_reach_the_phone(post: Any) -> None:
    id_ = await queue(post)
    assert CODE not in await read_whole_database(post)
    await post.deliver(id_)
    assert [one.code for one in post.sms.sent] == [CODE]
    assert CODE not in post.sms.sent[0].text
    assert (await post.read(id_)).secret is None
    [(task, _)] = await post.jobs()
    assert task == "deliver_codes"


@pytest.mark.parametrize(
    "failure",
    [
        TryLater("memory", "busy", "服务商忙"),
        AddressRefused("memory", "bad"),
        OperatorNeeded("memory", "no_balance"),
        Uncertain("memory", "timeout"),
        RuntimeError(f"{PHONE} {CODE}"),
        TimeoutError(CODE),
    ],
)
async def test_whatever_goes_wrong_digits_and_phone_are_in_no_log_and_no_other_row(
    post: Any, failure: Exception, capsys: Any, caplog: Any
) -> None:
    class Telling(MemoryRoute):
        async def send(self, message: Outgoing) -> Receipt:
            assert CODE not in repr(message)
            assert PHONE not in repr(message)
            raise failure

    post.routes = [Telling()]
    id_ = await queue(post)
    await post.deliver(id_)
    logged = "".join(capsys.readouterr()) + caplog.text
    assert str(id_) in logged, "that it failed is logged"
    for secret in (CODE, PHONE.removeprefix("+86")):
        assert secret not in logged
    assert CODE not in await read_whole_database(post)
    async with post.sessions() as session:
        tries = "".join(await session.scalars(text("SELECT row_to_json(a)::text FROM message_attempt a")))
        errors = "".join(await session.scalars(text("SELECT error FROM message")))
    assert PHONE.removeprefix("+86") not in tries + errors


async def test_an_expired_code_is_never_sent_and_is_erased(post: Any) -> None:
    id_ = await queue(post)
    post.wait(minutes=5)
    await post.deliver(id_)
    assert post.sms.sent == []
    await post.delivery.find_forgotten()
    row = await post.read(id_)
    assert (row.state, row.secret) == ("expired", None)


async def test_a_failed_code_is_kept_for_the_retry_and_erased_when_given_up(post: Any) -> None:
    id_ = await queue(post)
    post.sms.failures = [TryLater("memory", "busy"), AddressRefused("memory", "blacklisted")]
    [retry] = await post.deliver(id_)
    assert (await post.read(id_)).secret is not None
    post.now = retry.due_at
    assert (await post.follow(id_)).secret is None


async def test_a_code_for_nobody_goes_through_the_same_motions_and_is_not_sent(post: Any) -> None:
    id_ = await queue(post, deliver=False)
    assert len(await post.jobs()) == 1
    await post.deliver(id_)
    assert post.sms.sent == []
    assert (await post.read(id_)).state == "expired"


async def test_another_servers_seal_does_not_open(post: Any) -> None:
    id_ = await queue(post)
    post.sealer = Sealer(b"another secret")
    assert await post.deliver(id_) == []
    row = await post.read(id_)
    assert (row.state, row.error, row.secret) == ("failed", "sealed_with_another_key", None)


def test_a_seal_is_good_for_its_message_only() -> None:
    sealer, one, other = Sealer(b"s"), uuid4(), uuid4()
    sealed = sealer.seal(CODE, one)
    assert sealer.open(sealed, one) == CODE
    assert sealer.open(sealed, other) is None
    assert sealer.seal(CODE, one) != sealed
    assert sealer.open(b"short", one) is None

"""The real adapter against a real server that plays every answer."""

import asyncio
import ssl
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from mail.sender import Mail
from mail.smtp import SmtpAccount, SmtpSender
from sending import AddressRefused, OperatorNeeded, SendError, TryLater, Uncertain
from settings import Settings
from tests.mail.fake_server import PASSWORD, FakeMailServer, make_certificate, serve


async def fails(sender: SmtpSender, mail: Mail) -> SendError:
    with pytest.raises(SendError) as failed:
        await sender.send(mail)
    text = f"{failed.value} {failed.value!r}"
    assert all(part not in text for part in ("zhang", "enterprise.example", "张三", PASSWORD, "办理结果"))
    return failed.value


async def test_a_mail_arrives_encrypted_and_whole(
    sender: SmtpSender, server: FakeMailServer, make_mail: Callable[..., Mail]
) -> None:
    receipt = await sender.send(make_mail(text="一\n.\n..二\n"))
    (taken,) = server.received
    assert server.was_encrypted == [True]
    assert (taken.mail_from, taken.rcpt_tos) == ("qingling@example.cn", ["zhang.san@enterprise.example"])
    assert isinstance(taken.content, bytes)
    letter = message_from_bytes(taken.content, policy=default)
    assert letter["Message-ID"] == receipt.reference == f"<{UUID(int=7)}@example.cn>"
    assert letter.get_content() == "一\n.\n..二\n"


async def test_mails_side_by_side_arrive_each_once(
    sender: SmtpSender, server: FakeMailServer, make_mail: Callable[..., Mail]
) -> None:
    receipts = await asyncio.gather(*(sender.send(make_mail(message_id=UUID(int=n))) for n in range(10)))
    assert len({receipt.reference for receipt in receipts}) == len(server.received) == 10


async def test_tls_from_the_start(
    account: Callable[..., SmtpAccount], certificate: Path, make_mail: Callable[..., Mail]
) -> None:
    async with serve(certificate, tls="tls", sign_in=False) as server:
        await SmtpSender(account(port=server.port, tls="tls", user=None)).send(make_mail())
        assert len(server.received) == 1
        wrong = SmtpSender(account(port=server.port, tls="tls", trust=ssl.create_default_context()))
        error = await fails(wrong, make_mail())
    assert (type(error), error.code) == (OperatorNeeded, "certificate")


async def test_in_clear_only_when_the_operator_says_so(
    account: Callable[..., SmtpAccount], certificate: Path, make_mail: Callable[..., Mail]
) -> None:
    async with serve(certificate, tls="none", sign_in=False) as server:
        error = await fails(SmtpSender(account(port=server.port)), make_mail())
        assert (type(error), error.code) == (OperatorNeeded, "unsupported tls")
        assert server.received == []
        await SmtpSender(account(port=server.port, tls="none", user=None)).send(make_mail())
        assert len(server.received) == 1


async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    account: Callable[..., SmtpAccount],
    server: FakeMailServer,
    make_mail: Callable[..., Mail],
    tmp_path: Path,
) -> None:
    other = ssl.create_default_context(cafile=make_certificate(tmp_path))
    error = await fails(SmtpSender(account(trust=other)), make_mail())
    assert (type(error), error.code) == (OperatorNeeded, "certificate")
    assert server.received == []


async def test_a_server_that_nobody_can_sign_in_to(
    account: Callable[..., SmtpAccount], certificate: Path, make_mail: Callable[..., Mail]
) -> None:
    async with serve(certificate, sign_in=False) as server:
        error = await fails(SmtpSender(account(port=server.port)), make_mail())
    assert (type(error), error.code) == (OperatorNeeded, "unsupported auth")


async def test_a_wrong_password_is_the_operators(
    account: Callable[..., SmtpAccount], make_mail: Callable[..., Mail]
) -> None:
    error = await fails(SmtpSender(account(password="wrong")), make_mail())
    assert (type(error), error.code) == (OperatorNeeded, "535 5.7.8")


ANSWERS = [
    ("EHLO", "421 4.3.2 shutting down", TryLater, "421 4.3.2"),
    ("AUTH", "454 4.7.0 temporary authentication failure", TryLater, "454 4.7.0"),
    ("AUTH", "535 5.7.8 authentication failed", OperatorNeeded, "535 5.7.8"),
    ("AUTH", "534 5.7.9 please use an authorisation code", OperatorNeeded, "534 5.7.9"),
    ("MAIL", "451 4.3.0 try again", TryLater, "451 4.3.0"),
    ("MAIL", "553 5.7.1 sender not owned by user", OperatorNeeded, "553 5.7.1"),
    ("MAIL", "550 5.1.8 bad sender", OperatorNeeded, "550 5.1.8"),
    ("RCPT", "450 4.2.0 zhang.san@enterprise.example: greylisted", TryLater, "450 4.2.0"),
    ("RCPT", "452 4.2.2 mailbox full", TryLater, "452 4.2.2"),
    ("RCPT", "421 4.7.0 too many", TryLater, "421 4.7.0"),
    ("RCPT", "550 5.1.1 zhang.san@enterprise.example: no such user", AddressRefused, "550 5.1.1"),
    ("RCPT", "550 no such user here", AddressRefused, "550"),
    ("RCPT", "551 5.1.6 has moved", AddressRefused, "551 5.1.6"),
    ("RCPT", "552 5.2.2 mailbox full", AddressRefused, "552 5.2.2"),
    ("RCPT", "553 mailbox name not allowed", AddressRefused, "553"),
    ("RCPT", "554 5.7.1 relay access denied", OperatorNeeded, "554 5.7.1"),
    ("RCPT", "530 authentication required", OperatorNeeded, "530"),
    ("DATA", "451 4.3.0 queue full", TryLater, "451 4.3.0"),
    ("DATA", "554 5.7.1 looks like spam", OperatorNeeded, "554 5.7.1"),
    ("DATA", "552 5.3.4 too big", OperatorNeeded, "552 5.3.4"),
    ("DATA", "550 5.1.1 no such user after all", AddressRefused, "550 5.1.1"),
    ("DATA", "550 5.2.1 mailbox disabled", AddressRefused, "550 5.2.1"),
    ("DATA", "299 what is this", Uncertain, "299"),
    ("DATA", "not smtp at all", Uncertain, "malformed"),
]


@pytest.mark.parametrize(("step", "answer", "kind", "code"), ANSWERS)
async def test_each_answer_is_told_apart(
    sender: SmtpSender,
    server: FakeMailServer,
    make_mail: Callable[..., Mail],
    step: str,
    answer: str,
    kind: type[SendError],
    code: str,
) -> None:
    server.answers[step] = answer
    error = await fails(sender, make_mail())
    assert (type(error), error.code) == (kind, code)
    assert error.explanation


@pytest.mark.parametrize(
    ("step", "kind"), [("EHLO", TryLater), ("MAIL", TryLater), ("RCPT", TryLater), ("DATA", Uncertain)]
)
async def test_hanging_up_is_uncertain_only_after_the_content(
    sender: SmtpSender,
    server: FakeMailServer,
    make_mail: Callable[..., Mail],
    step: str,
    kind: type[SendError],
) -> None:
    server.drops.add(step)
    error = await fails(sender, make_mail())
    assert (type(error), error.code) == (kind, "connection")


@pytest.mark.parametrize(("step", "kind"), [("RCPT", TryLater), ("DATA", Uncertain)])
async def test_silence_ends_with_the_time_limit(
    account: Callable[..., SmtpAccount],
    server: FakeMailServer,
    make_mail: Callable[..., Mail],
    step: str,
    kind: type[SendError],
) -> None:
    server.silent_at.add(step)
    error = await fails(SmtpSender(account(timeout_s=0.5)), make_mail())
    assert (type(error), error.code) == (kind, "timeout")


async def test_nobody_listens(account: Callable[..., SmtpAccount], make_mail: Callable[..., Mail]) -> None:
    listener = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    error = await fails(SmtpSender(account(port=port)), make_mail())
    assert (type(error), error.code) == (TryLater, "connection")


@pytest.mark.parametrize(
    ("greeting", "kind", "code"),
    [
        (b"554 5.3.2 no service for you\r\n", OperatorNeeded, "554 5.3.2"),
        (b"421 busy\r\n", TryLater, "421"),
        (b"HTTP/1.1 400 Bad Request\r\n", TryLater, "malformed"),
        (b"220" + b"x" * 100_000 + b"\r\n", TryLater, "malformed"),
    ],
)
async def test_a_greeting_that_is_none(
    account: Callable[..., SmtpAccount],
    make_mail: Callable[..., Mail],
    greeting: bytes,
    kind: type[SendError],
    code: str,
) -> None:
    class Greeter(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(greeting)

    listener = await asyncio.get_running_loop().create_server(Greeter, "127.0.0.1", 0)
    async with listener:
        error = await fails(SmtpSender(account(port=listener.sockets[0].getsockname()[1])), make_mail())
    assert (type(error), error.code) == (kind, code)


def test_the_account_is_as_the_settings_say(certificate: Path) -> None:
    assert SmtpAccount.of(Settings()) is None
    account = SmtpAccount.of(
        Settings(
            mail_host="smtp.example.cn",
            mail_from="企业问题清零 <qingling@example.cn>",
            mail_user="qingling",
            mail_password=SecretStr("hidden"),
            mail_ca_file=certificate,
        )
    )
    assert account is not None
    assert (account.host, account.port, account.tls) == ("smtp.example.cn", 587, "starttls")
    assert (account.sender.name, account.sender.address) == ("企业问题清零", "qingling@example.cn")
    assert account.password == "hidden" and "hidden" not in repr(account)
    assert account.trust.check_hostname and account.trust.verify_mode is ssl.CERT_REQUIRED

"""A mail server for the test, and a sender that reaches it."""

import ssl
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mail.composing import Sender
from mail.sender import Mail
from mail.smtp import SmtpAccount, SmtpSender
from tests.mail.fake_server import PASSWORD, USER, FakeMailServer, make_certificate, serve

SENDER = Sender("qingling@example.cn", "企业问题清零")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[FakeMailServer]:
    async with serve(certificate) as server:
        yield server


@pytest.fixture
def account(server: FakeMailServer, certificate: Path) -> Callable[..., SmtpAccount]:
    """An account at the test's server, with these changes."""

    def make(**changed: Any) -> SmtpAccount:
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": server.port,
            "sender": SENDER,
            "user": USER,
            "password": PASSWORD,
            "timeout_s": 5.0,
            "trust": ssl.create_default_context(cafile=certificate),
        }
        return SmtpAccount(**values | changed)

    return make


@pytest.fixture
def sender(account: Callable[..., SmtpAccount]) -> SmtpSender:
    return SmtpSender(account())


@pytest.fixture
def make_mail(now: datetime) -> Callable[..., Mail]:
    def make(**changed: Any) -> Mail:
        values: dict[str, Any] = {
            "message_id": UUID(int=7),
            "to": "zhang.san@enterprise.example",
            "subject": "您的问题已有办理结果",
            "text": "张三，您好：\n\n您提交的问题已有办理结果。",
            "at": now,
        }
        return Mail(**values | changed)

    return make

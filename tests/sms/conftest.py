"""A fake Tencent Cloud with two templates, our provider before it, and one SMS to send."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from settings import Settings
from sms.port import Sms
from sms.tencent import TencentSms, open_tencent
from tests.mail.fake_server import make_certificate
from tests.sms.fake_account import Approved
from tests.sms.fake_tencent import FakeTencent

PHONE = "+8613905180001"
CODE = "482915"
TEMPLATES = """
tencent:
  code_sign_in: {id: "1001", parameters: [code, minutes]}
  answered: {id: "1002"}
  unapproved: {id: "1003"}
  too_few: {id: "1001", parameters: [code]}
  wordy: {id: "1001", parameters: [title, minutes]}
"""


def make_sms(
    template: str = "code_sign_in", *, phone: str = PHONE, message_id: UUID | None = None, **params: Any
) -> Sms:
    """An SMS as the room messages makes it."""
    params = params or {"code": CODE, "minutes": 5}
    return Sms(message_id or uuid4(), phone, template, params, text="您正在登录企业问题清零平台。")


def read_clock() -> datetime:
    """The time; the fake's signatures are checked against the real one."""
    return datetime.now(UTC)


@pytest.fixture(scope="session", autouse=True)
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The one certificate that is trusted here, in place of the system's many, which every client would load anew."""
    certificate = make_certificate(tmp_path_factory.mktemp("trusted"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(certificate))
        yield certificate


@pytest.fixture
def tencent() -> Iterator[FakeTencent]:
    """The API; stops, and tells its own mistakes, with the test."""
    with FakeTencent() as fake:
        fake.account.templates = {"1001": Approved(2, for_codes=True), "1002": Approved(0)}
        yield fake


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """The mapping file."""
    path = tmp_path / "templates.yaml"
    path.write_text(TEMPLATES)
    return path


def open_at(fake: FakeTencent, templates: Path, **changes: Any) -> TencentSms:
    """Our provider before this fake; waits 5 seconds at most."""
    values = {"sms_timeout_s": 5, **fake.settings(templates), **changes}
    return open_tencent(Settings.model_validate(values), read_clock)


@pytest.fixture
async def provider(tencent: FakeTencent, templates: Path) -> AsyncIterator[TencentSms]:
    opened = open_at(tencent, templates)
    yield opened
    await opened.close()

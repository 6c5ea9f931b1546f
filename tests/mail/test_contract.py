"""What holds for every way to send mail."""

from collections.abc import Callable
from uuid import UUID

import pytest

from mail.memory import MemoryMailSender
from mail.sender import Mail, MailSender
from mail.smtp import SmtpSender
from sending import AddressRefused


@pytest.fixture(params=["smtp", "memory"])
def any_sender(request: pytest.FixtureRequest) -> MailSender:
    if request.param == "memory":
        return MemoryMailSender()
    smtp: SmtpSender = request.getfixturevalue("sender")
    return smtp


async def test_a_receipt_names_the_mail(any_sender: MailSender, make_mail: Callable[..., Mail]) -> None:
    receipt = await any_sender.send(make_mail(message_id=UUID(int=42)))
    assert receipt.provider == "smtp"
    assert str(UUID(int=42)) in receipt.reference


async def test_a_repeat_is_recognisable_and_another_mail_is_another(
    any_sender: MailSender, make_mail: Callable[..., Mail]
) -> None:
    first = await any_sender.send(make_mail())
    assert await any_sender.send(make_mail()) == first
    assert await any_sender.send(make_mail(message_id=UUID(int=8))) != first


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "@example.cn",
        "zhang@",
        "a b@example.cn",
        "zhang@example.cn, li@example.cn",
        "zhang@example.cn\r\nBcc: all@example.cn",
        "zhang@exa\nmple.cn",
        "zhang@[127.0.0.1]",
        '"zhang san"@example.cn',
        "张三@example.cn",
        "zhang@exam..ple.cn",
        "zhang@" + "x" * 64 + ".cn",
        ".zhang@example.cn",
        "<zhang@example.cn>",
    ],
)
async def test_what_is_no_plain_address_is_refused_and_not_repeated(
    any_sender: MailSender, make_mail: Callable[..., Mail], to: str
) -> None:
    with pytest.raises(AddressRefused) as refused:
        await any_sender.send(make_mail(to=to))
    assert refused.value.code == "address"
    assert "zhang" not in str(refused.value) and "张三" not in str(refused.value)


def test_a_mail_shows_nothing_of_its_content(make_mail: Callable[..., Mail]) -> None:
    shown = repr(make_mail(html="<p>secret</p>"))
    assert all(part not in shown for part in ("zhang", "张三", "办理", "secret"))

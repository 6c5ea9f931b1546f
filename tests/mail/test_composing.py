"""Letters, read back as a mail program reads them."""

from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.composing import Sender, compose, one_line
from mail.sender import Mail

SENDER = Sender("qingling@example.cn", "企业问题清零")
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=300)


def read(mail: Mail, sender: Sender = SENDER) -> EmailMessage:
    content = compose(mail, sender).content
    assert all(len(line) <= 998 and b"\n" not in line for line in content.split(b"\r\n"))  # RFC 5322 §2.1.1
    content.decode("ascii")
    return message_from_bytes(content, policy=default)


def test_headers_say_who_when_and_that_a_machine_wrote_it(
    make_mail: Callable[..., Mail], now: datetime
) -> None:
    letter = read(make_mail())
    mailbox = cast(AddressHeader, letter["From"]).addresses[0]
    assert (mailbox.display_name, mailbox.addr_spec) == ("企业问题清零", "qingling@example.cn")
    assert letter["To"] == "zhang.san@enterprise.example"
    assert letter["Subject"] == "您的问题已有办理结果"
    assert letter["Date"].datetime == now
    assert letter["Message-ID"] == f"<{UUID(int=7)}@example.cn>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert not letter.defects


def test_text_and_html_are_alternatives(make_mail: Callable[..., Mail]) -> None:
    letter = read(make_mail(html="<p>您好</p>"))
    assert letter.get_content_type() == "multipart/alternative"
    plain, html = cast(list[EmailMessage], letter.get_payload())
    assert plain.get_content_type() == "text/plain"
    assert plain.get_content() == "张三，您好：\n\n您提交的问题已有办理结果。"
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>您好</p>")


def test_mails_of_one_thread_answer_the_same_mail(make_mail: Callable[..., Mail]) -> None:
    first, second = (read(make_mail(message_id=UUID(int=n), thread=UUID(int=99))) for n in (1, 2))
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] == f"<thread-{UUID(int=99)}@example.cn>"
    assert first["In-Reply-To"] == first["References"]
    assert read(make_mail())["References"] is None


def test_a_chinese_domain_is_converted(make_mail: Callable[..., Mail]) -> None:
    assert read(make_mail(to="zhang@海关.中国"))["To"] == "zhang@xn--d6qv69d.xn--fiqs8s"


def test_a_header_is_one_line_without_control_characters() -> None:
    assert one_line(" 一\r\n二\x00三\x1b[0m\u2028四\t") == "一 二 三 [0m 四"


@pytest.mark.parametrize(
    "subject",
    [
        "结果\r\nBcc: all@example.cn",
        "结果\nBcc: all@example.cn",
        "结果\u2028Bcc: all@example.cn",
        "Bcc: all@example.cn",
        "=?utf-8?b?DQpCY2M6IGFsbEBleGFtcGxlLmNu?=",
    ],
)
def test_nothing_can_be_added_to_the_headers(make_mail: Callable[..., Mail], subject: str) -> None:
    letter = read(make_mail(subject=subject), Sender("qingling@example.cn", f"清零 {subject}"))
    assert letter["Bcc"] is None
    assert letter["Subject"] == one_line(subject)
    assert [one.addr_spec for one in cast(AddressHeader, letter["From"]).addresses] == ["qingling@example.cn"]


@settings(deadline=None)
@given(subject=ANY_TEXT, name=ANY_TEXT, text=ANY_TEXT, html=ANY_TEXT)
def test_whatever_is_written_comes_out_as_it_was_meant(subject: str, name: str, text: str, html: str) -> None:
    at = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
    letter = read(
        Mail(UUID(int=1), "zhang@example.cn", subject, text, at, html), Sender("a@example.cn", name)
    )
    assert letter["Subject"] == one_line(subject)
    assert cast(AddressHeader, letter["From"]).addresses[0].addr_spec == "a@example.cn"
    parts = cast(list[EmailMessage], letter.get_payload()) if html else [letter]
    got = [cast(bytes, part.get_payload(decode=True)).decode() for part in parts]
    assert got == ([text, html] if html else [text])

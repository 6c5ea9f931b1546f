"""What a mail server's answer, or its silence, means for one mail: the one place where SMTP becomes the words of `sending`.

Codes after RFC 5321 §4.2 and RFC 3463 (looked at in November 2026). The server's own text is never passed on: it mostly
repeats the address.
"""

import re
import ssl
from enum import Enum

from aiosmtplib import SMTPResponseException

from mail.sender import PROVIDER
from sending import AddressRefused, OperatorNeeded, SendError, TryLater, Uncertain


class Step(Enum):
    """How far one mail has come."""

    CONNECT = "connect"
    SECURE = "tls"
    SIGN_IN = "auth"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


REFUSED = {
    Step.CONNECT: "邮件服务器不接受连接",
    Step.SECURE: "邮件服务器不能加密传输",
    Step.SIGN_IN: "邮件服务器不接受用户名或密码",
    Step.SENDER: "邮件服务器不接受发件地址",
    Step.RECIPIENT: "邮件服务器不为我们转发",
    Step.CONTENT: "邮件服务器不接受邮件内容",
}
ENHANCED = re.compile(r"\s*([245]\.(\d{1,3})\.\d{1,3})\b", re.ASCII)
ABOUT_ADDRESS = ("1", "2")
"""RFC 3463: X.1.* speak of the address, X.2.* of the mailbox."""
POLICY = "7"
"""X.7.*: security or policy; at the recipient's step it is mostly "relay access denied", which is nobody's address."""
AUTHENTICATION = (530, 534, 535, 538)


def explain(step: Step, error: Exception) -> SendError:
    """The error to raise for what happened at this step."""
    if isinstance(error, SMTPResponseException) and error.code >= 0:
        return _explain_answer(step, error.code, str(error.message))
    if step is Step.CONTENT:
        return Uncertain(PROVIDER, _name(error), "邮件交出后没有得到答复")
    if _is_tls(error):
        return OperatorNeeded(PROVIDER, "certificate", "邮件服务器的证书不可信")
    if isinstance(error, OSError | SMTPResponseException):
        return TryLater(PROVIDER, _name(error), "连不上邮件服务器")
    return OperatorNeeded(PROVIDER, f"unsupported {step.value}", REFUSED[step])


def _explain_answer(step: Step, code: int, text: str) -> SendError:
    found = ENHANCED.match(text)
    enhanced, subject = (found[1], found[2]) if found else ("", "")
    name = f"{code} {enhanced}".strip()
    if 400 <= code < 500:
        return TryLater(PROVIDER, name, "邮件服务器请我们稍后再试")
    if not 500 <= code < 600:
        kind = Uncertain if step is Step.CONTENT else TryLater
        return kind(PROVIDER, name, "邮件服务器的答复不合规范")
    if step is Step.RECIPIENT and subject != POLICY and code not in AUTHENTICATION:
        return AddressRefused(PROVIDER, name, "收件地址不能送达")
    if step is Step.CONTENT and subject in ABOUT_ADDRESS:
        return AddressRefused(PROVIDER, name, "收件地址不能送达")
    return OperatorNeeded(PROVIDER, name, REFUSED[step])


def _name(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return "malformed" if isinstance(error, SMTPResponseException) else "connection"


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__
    return False

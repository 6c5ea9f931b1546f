"""Everything the agent may answer instead of what it was asked for: a code for the page, a sentence (the docstring)
for the person.

AgentRefusal
├── the request      bad_request forbidden_origin wrong_host not_found wrong_method not_json too_large busy
├── the equipment    no_driver driver_failed no_reader no_card card_removed card_changed no_certificate no_algorithm
│                    timeout no_window
└── the person       cancelled wrong_pin pin_length pin_locked
"""

from typing import Any, ClassVar, TypedDict


class RefusalJson(TypedDict):
    """A refusal as the page gets it, and as it travels between our own processes."""

    code: str
    message: str
    tries: str | None


class AgentRefusal(Exception):
    """读卡程序出错，没有完成这次操作。请再试一次。"""

    code: ClassVar[str] = "failed"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, *, tries: str | None = None, detail: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.tries = tries
        self.detail = detail
        """For the log: a name of an error, never anything of the card or the person."""
        super().__init__(self.message)

    def as_json(self) -> RefusalJson:
        """What the page is told."""
        return {"code": self.code, "message": self.message, "tries": self.tries}

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self), self.message, self.tries, self.detail)


def rebuild(kind: type[AgentRefusal], message: str, tries: str | None, detail: str) -> AgentRefusal:
    """A refusal that came from another process."""
    return kind(message, tries=tries, detail=detail)


# The request


class BadRequest(AgentRefusal):
    """请求的格式不对。"""

    code = "bad_request"
    status = 400


class ForbiddenOrigin(AgentRefusal):
    """这个网站没有使用读卡程序的许可。"""

    code = "forbidden_origin"
    status = 403


class WrongHost(AgentRefusal):
    """请求的地址不是读卡程序的地址。"""

    code = "wrong_host"
    status = 421


class NotFound(AgentRefusal):
    """读卡程序没有这项功能。"""

    code = "not_found"
    status = 404


class WrongMethod(AgentRefusal):
    """请求的方法不对。"""

    code = "wrong_method"
    status = 405


class NotJson(AgentRefusal):
    """请求的内容不是 JSON。"""

    code = "not_json"
    status = 415


class TooLarge(AgentRefusal):
    """请求的内容太长。"""

    code = "too_large"
    status = 413


class Busy(AgentRefusal):
    """读卡程序正在办理另一项请求。请先在读卡程序的窗口中完成或者取消。"""

    code = "busy"
    status = 409


# The equipment


class NoDriver(AgentRefusal):
    """没有找到卡的驱动程序。请先安装发卡机构提供的驱动，再在读卡程序的设置中写明驱动文件。"""

    code = "no_driver"
    status = 503


class DriverFailed(AgentRefusal):
    """卡的驱动程序出错。请拔出卡，重新插好后再试；仍然不行的，请重新安装驱动。"""

    code = "driver_failed"
    status = 503


class NoReader(AgentRefusal):
    """没有找到读卡器。请插好读卡器。"""

    code = "no_reader"
    status = 503


class NoCard(AgentRefusal):
    """没有找到卡。请插入法人卡或操作员卡。"""

    code = "no_card"
    status = 409


class CardRemoved(AgentRefusal):
    """办理过程中卡被拔出。请插好卡，重新办理。"""

    code = "card_removed"
    status = 409


class CardChanged(AgentRefusal):
    """现在的卡不是刚才的那一张。请插回原来的卡，或者重新办理。"""

    code = "card_changed"
    status = 409


class NoCertificate(AgentRefusal):
    """卡里没有可以用来登录的证书。请联系发卡机构。"""

    code = "no_certificate"
    status = 422


class NoAlgorithm(AgentRefusal):
    """读卡程序不支持这张卡的签名算法。请联系发卡机构。"""

    code = "no_algorithm"
    status = 422


class TimedOut(AgentRefusal):
    """读卡的时间太长，已经停止。请拔出卡，重新插好后再试。"""

    code = "timeout"
    status = 503


class NoWindow(AgentRefusal):
    """读卡程序打不开输入卡密码的窗口。请在电脑桌面上重新启动读卡程序。"""

    code = "no_window"
    status = 503


# The person


class Cancelled(AgentRefusal):
    """您取消了这次操作。"""

    code = "cancelled"
    status = 409


class WrongPin(AgentRefusal):
    """卡密码不正确。"""

    code = "wrong_pin"
    status = 422


class PinLength(AgentRefusal):
    """卡密码的长度不对。"""

    code = "pin_length"
    status = 422


class PinLocked(AgentRefusal):
    """卡密码输错次数过多，卡已经锁定。请带卡到发卡机构解锁。"""

    code = "pin_locked"
    status = 409

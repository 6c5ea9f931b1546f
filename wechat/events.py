"""What a push says, as small values: who follows the account or left it, what became of a message, what somebody subscribed to.

After https://developers.weixin.qq.com/doc/service/guide/product/message/Receiving_event_pushes.html, …/template_message/
Template_Message_Interface.html and …/subscription_messages/push.html (November 2026). What we have no use for is `Other`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from sending import Report
from wechat.exceptions import CallbackRefused
from wechat.sender import PROVIDER
from wechat.xml import find_text, only_text, parse

NAME_MAX_CHARS = 128
MOST_ITEMS = 50


@dataclass(frozen=True)
class Pushed:
    """Of every push: from whom, when, and a key that is the same for WeChat's repeats of it."""

    openid: str = field(repr=False)
    at: datetime
    key: str = field(repr=False)


@dataclass(frozen=True)
class Subscribed(Pushed):
    """Somebody follows the account (again). `scene` is what stood in the QR code they read, if any."""

    scene: str = ""


@dataclass(frozen=True)
class Unsubscribed(Pushed):
    """Somebody left: nothing reaches them any more."""


@dataclass(frozen=True)
class TemplateSent(Pushed):
    """What became of a template message."""

    report: Report


@dataclass(frozen=True)
class SubscribeSent(Pushed):
    """What became of subscription notices."""

    reports: tuple[Report, ...]


@dataclass(frozen=True)
class SubscribeChoice(Pushed):
    """What somebody chose: WeChat's ids of templates, accepted or not."""

    choices: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Other(Pushed):
    """Anything else: a text typed into the chat, a menu that was opened. `kind` is WeChat's word."""

    kind: str


def read_push(xml: bytes) -> Pushed:
    """The push. Raises CallbackRefused."""
    root = parse(xml)
    openid = only_text(root, "FromUserName", most=NAME_MAX_CHARS)
    at = _read_time(only_text(root, "CreateTime", most=20))
    kind = only_text(root, "MsgType", most=NAME_MAX_CHARS)
    if kind != "event":
        key = find_text(root, "MsgId", most=NAME_MAX_CHARS) or f"{openid} {at.timestamp():.0f}"
        return Other(openid, at, f"{kind} {key}", kind)
    event = only_text(root, "Event", most=NAME_MAX_CHARS)
    pushed = (
        openid,
        at,
        f"{event} {openid} {at.timestamp():.0f} {find_text(root, 'MsgID', most=NAME_MAX_CHARS)}",
    )
    read = EVENTS.get(event)
    return read(root, pushed) if read else Other(*pushed, event)


def _read_time(text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise CallbackRefused("malformed")
    return datetime.fromtimestamp(int(text), UTC)


Common = tuple[str, datetime, str]


def _subscribed(root: Element, pushed: Common) -> Pushed:
    scene = find_text(root, "EventKey", most=NAME_MAX_CHARS)
    return Subscribed(*pushed, scene.removeprefix("qrscene_"))


def _unsubscribed(_root: Element, pushed: Common) -> Pushed:
    return Unsubscribed(*pushed)


def _template_sent(root: Element, pushed: Common) -> Pushed:
    reference = only_text(root, "MsgID", most=NAME_MAX_CHARS)
    status = only_text(root, "Status", most=NAME_MAX_CHARS)
    return TemplateSent(*pushed, Report(PROVIDER, reference, status == "success", pushed[1], status))


def _subscribe_sent(root: Element, pushed: Common) -> Pushed:
    reports = [_read_report(item, pushed[1]) for item in _items(root, "SubscribeMsgSentEvent")]
    return SubscribeSent(*pushed, tuple(reports))


def _read_report(item: Element, at: datetime) -> Report:
    code = only_text(item, "ErrorCode", most=NAME_MAX_CHARS)
    reference = only_text(item, "MsgID", most=NAME_MAX_CHARS)
    status = find_text(item, "ErrorStatus", most=NAME_MAX_CHARS)
    return Report(PROVIDER, reference, code == "0", at, status or code)


def _choice(root: Element, pushed: Common, within: str) -> Pushed:
    choices: list[tuple[str, bool]] = []
    for item in _items(root, within):
        answer = only_text(item, "SubscribeStatusString", most=NAME_MAX_CHARS)
        choices.append((only_text(item, "TemplateId", most=NAME_MAX_CHARS), answer == "accept"))
    return SubscribeChoice(*pushed, tuple(choices))


def _items(root: Element, within: str) -> list[Element]:
    groups = root.findall(within)
    items = groups[0].findall("List") if len(groups) == 1 else []
    if not 1 <= len(items) <= MOST_ITEMS:
        raise CallbackRefused("malformed")
    return items


EVENTS: dict[str, Callable[[Element, Common], Pushed]] = {
    "subscribe": _subscribed,
    "unsubscribe": _unsubscribed,
    "TEMPLATESENDJOBFINISH": _template_sent,
    "subscribe_msg_sent_event": _subscribe_sent,
    "subscribe_msg_popup_event": lambda root, pushed: _choice(root, pushed, "SubscribeMsgPopupEvent"),
    "subscribe_msg_change_event": lambda root, pushed: _choice(root, pushed, "SubscribeMsgChangeEvent"),
}

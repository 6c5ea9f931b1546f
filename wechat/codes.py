"""WeChat's error codes, as a table: which of our words each one is, and what it means to the operator.

After the service account's pages at https://developers.weixin.qq.com/doc/service/ (api/base/api_getstableaccesstoken,
api/notify/template/api_sendtemplatemessage, api/notify/notify/api_sendnewsubscribemsg, guide/dev/error_code), looked at in
November 2026. A code that is not here asks for an operator: nobody knows what it means for the next message.
"""

import re

from sending import AddressRefused, NotSent, OperatorNeeded, TryLater
from wechat.sender import PROVIDER

TOKEN_CODES = frozenset({"40001", "40014", "42001"})
"""The access token is not taken (any more): it is renewed once, and the call repeated."""
CODE_CODES = frozenset({"40029", "40163", "40226", "41008", "42003"})
"""The OAuth code is wrong, used, held back, missing or too old."""
MEDIA_CODES = frozenset({"40007", "40004", "41006"})

MINUTE_S = 60.0
CODES: dict[int, tuple[type[NotSent], str]] = {
    -1: (TryLater, "微信系统繁忙"),
    40001: (OperatorNeeded, "AppSecret 错误，或调用凭据无效"),
    40002: (OperatorNeeded, "凭据类型不对"),
    40003: (AddressRefused, "这位用户不是本公众号的用户"),
    40013: (OperatorNeeded, "AppID 不对"),
    40014: (OperatorNeeded, "调用凭据无效"),
    40036: (OperatorNeeded, "模板编号的长度不对"),
    40037: (OperatorNeeded, "没有这个模板"),
    40125: (OperatorNeeded, "AppSecret 不对"),
    40164: (OperatorNeeded, "本机的 IP 不在公众号的白名单中"),
    40243: (OperatorNeeded, "AppSecret 已被冻结"),
    41002: (OperatorNeeded, "没有 AppID"),
    41004: (OperatorNeeded, "没有 AppSecret"),
    42001: (OperatorNeeded, "调用凭据已过期"),
    43004: (AddressRefused, "这位用户没有关注公众号"),
    43019: (AddressRefused, "这位用户在公众号的黑名单中"),
    43101: (AddressRefused, "这位用户没有订阅或拒收这类消息"),
    43107: (OperatorNeeded, "公众号的订阅通知能力被封禁"),
    43108: (TryLater, "同一位用户的消息正在发送"),
    45002: (OperatorNeeded, "消息内容超过限制"),
    # Not TryLater: until midnight nothing goes this way, and other channels can. The operator may clear the quota by hand.
    45009: (OperatorNeeded, "今天的调用次数已用完，零点恢复，也可在公众平台清零"),
    45011: (TryLater, "每分钟的调用次数已用完"),
    45035: (OperatorNeeded, "本机的 IP 不在公众号的白名单中"),
    45168: (OperatorNeeded, "消息内容含有敏感词"),
    47001: (OperatorNeeded, "请求的格式不对"),
    47003: (OperatorNeeded, "模板的字段不符合要求"),
    48001: (OperatorNeeded, "公众号没有这个接口的权限"),
    48004: (OperatorNeeded, "接口因违规被封禁"),
    50002: (OperatorNeeded, "公众号因违规受限"),
    61004: (OperatorNeeded, "本机的 IP 不在公众号的白名单中"),
    89501: (OperatorNeeded, "本机的 IP 正在等待管理员确认"),
    89503: (OperatorNeeded, "本机的 IP 需要管理员确认"),
    89506: (OperatorNeeded, "管理员两次拒绝了本机的 IP，24 小时后再试"),
    89507: (OperatorNeeded, "管理员拒绝了本机的 IP，1 小时后再试"),
}
FIELD = re.compile(r"\bdata\.([a-z_]{1,32}\d{0,3})\b", re.ASCII)
REQUEST_ID = re.compile(r"\brid: ?([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})\b", re.ASCII)


def explain(code: int, text: str) -> NotSent:
    """The error for this code. Of WeChat's text only the field's name and the request's id are kept: it may quote more."""
    kind, explanation = CODES.get(code, (OperatorNeeded, "微信返回了未知的错误码"))
    if field := FIELD.search(text):
        explanation += f"：{field[1]}"
    if request := REQUEST_ID.search(text):
        explanation += f"，rid {request[1]}"
    if kind is TryLater:
        return TryLater(PROVIDER, str(code), explanation, after_s=MINUTE_S if code == 45011 else None)
    return kind(PROVIDER, str(code), explanation)

"""What a field of a message may hold, by its type: the type is the field's name without its number (`thing4`).

After "订阅消息参数值内容限制说明" at https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/
subscribe-message/sendMessage.html and the notes of api/notify/template/api_sendtemplatemessage (November 2026): the same for
template messages (模板消息) and subscription notices (订阅通知). WeChat refuses a whole message for one wrong field.
"""

import re
import unicodedata
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
DAY = r"(?:[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})"
HOUR = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
MOMENT = rf"(?:{DAY} ?)?{HOUR}"
PATTERNS = {
    "thing": r".{1,20}",
    "number": r"(?=.{1,32}\Z)-?[0-9]+(?:\.[0-9]+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[!-~]{1,32}",
    "time": rf"{MOMENT}(?:~{MOMENT})?",
    "date": rf"{DAY}(?: ?{HOUR})?(?:~{DAY}(?: ?{HOUR})?)?",
    "amount": r"[¥￥$]?[0-9]{1,10}(?:\.[0-9]{1,10})?元?",
    "phone_number": r"[0-9+() -]{1,17}",
    "car_number": r"[\u4e00-\u9fffA-Z][0-9A-Z]{1,6}[\u4e00-\u9fff0-9A-Z]",
    "name": r"[\u4e00-\u9fff·]{1,10}|[A-Za-z .·'-]{1,20}",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
    "const": r".{1,20}",
    "enum": r".{1,20}",
    "keyword": r".{1,20}",  # templates from before 2023
}
NAME = re.compile(r"([a-z_]+?)(\d{0,3})", re.ASCII)
TEXT_MAX_CHARS = 20
NAME_MAX_CHARS = 10
LISTED = ("const", "enum")
"""Types whose values are chosen on WeChat's platform: the file has to list them."""


def field_type(name: str) -> str | None:
    """The type of this field; None where WeChat has no such type."""
    found = NAME.fullmatch(name)
    return found[1] if found and found[1] in PATTERNS else None


def fit(kind: str, value: Any) -> str | None:
    """The value as a field of this type takes it, a long text cut; None where it does not fit."""
    text = _write(kind, value)
    if kind in ("thing", "keyword") and len(text) > TEXT_MAX_CHARS:
        text = text[: TEXT_MAX_CHARS - 1].rstrip() + "…"
    elif kind == "name" and re.search(r"[\u4e00-\u9fff]", text):
        text = re.sub(r"[^\u4e00-\u9fff·]", "", text)[:NAME_MAX_CHARS]
    elif kind == "name":
        text = text[:TEXT_MAX_CHARS].rstrip()
    return text if re.fullmatch(PATTERNS[kind], text) else None


def _write(kind: str, value: Any) -> str:
    if kind in ("time", "date"):
        value = _read_moment(value)
    if isinstance(value, datetime):
        local = value.astimezone(BEIJING)
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    return one_line("" if value is None else str(value))


def _read_moment(value: Any) -> Any:
    """Params come from JSON: a moment is a text there."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment if moment.tzinfo else moment.date() if "T" not in value and ":" not in value else value
    return value


def one_line(text: str) -> str:
    """Without line breaks and control characters, which no field takes."""
    plain = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    return " ".join(plain.split())

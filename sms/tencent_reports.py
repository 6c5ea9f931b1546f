"""What Tencent Cloud learned of an SMS afterwards: as it calls us back, and as it is pulled. Nothing is kept of phones.

Callback: cloud.tencent.com/document/api/382/59178, page of 5 January 2026: a JSON list, at most 100 reports at present, repeated
twice where it fails. It has no signature, so its address is the secret (`callbacks`). Pulling: 382/55977 and the SDK's models
3.1.153; there `SessionContext` is empty unless their support has switched it on. The carriers' words:
github.com/tencentyun/qcloud-documents, product/移动与通信/短信/错误码.md. Read on 25 November 2026.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson

from sending import Report
from sms.exceptions import CallbackUnreadable
from sms.tencent_codes import PROVIDER

MAX_BYTES = 256 * 1024
MAX_REPORTS = 1000
BEIJING = timezone(timedelta(hours=8))
LATEST_S = 2**32

CARRIERS_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_-]{0,31}|-\d{1,4}", re.ASCII)
LONG_NUMBER = re.compile(r"\d{7}")
REFERENCE = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
DIGITS = re.compile(r"\+?\d{1,20}", re.ASCII)

STATUSES = {"SUCCESS": True, "FAIL": False}
FIELDS = ("user_receive_time", "nationcode", "mobile", "report_status", "errmsg", "description", "sid")

BLACKLISTED = "号码在运营商或服务商的黑名单中，或用户已退订"
NOT_IN_SERVICE = "空号、停机或号码有误"
UNREACHABLE = "关机、不在服务区、信号不好或手机存满"
LIMITED = "超过运营商的次数限制"
REFUSED = "运营商拒绝，可能因为内容、签名没有备案"

CARRIERS_WORDS = {
    "DELIVRD": "已送达",
    "UNDELIV": "空号、停机或关机",
    "EXPIRED": UNREACHABLE,
    "REJECTD": REFUSED,
    "DELETED": UNREACHABLE,
    "UNKNOWN": "运营商没有说明原因",
    "NOROUTE": "运营商没有找到路由",
    "ERR_NUM": NOT_IN_SERVICE,
    **dict.fromkeys(
        ("MX:0011", "MX:0012", "MB:1077", "W-BLACK", "TUIDING", "HIGRISK", "BWLIST", "69"), BLACKLISTED
    ),
    **dict.fromkeys(("DB:0141", "DB:0144", "DB:0164", "DB00144"), BLACKLISTED),
    **dict.fromkeys(("MX:0003", "MB:1042", "BEYONDN"), LIMITED),
    **dict.fromkeys(
        ("MK:0000", "MK:0001", "MK:0012", "MK:0013", "MK00001", "MN00013", "XL:169"), NOT_IN_SERVICE
    ),
    **dict.fromkeys(("1", "5", "24", "36", "45", "50", "61", "67", "93", "95", "101"), NOT_IN_SERVICE),
    **dict.fromkeys(("MK:0008", "MK:0010", "MK:0017", "MK:0024", "MC:0055", "MN:0036"), UNREACHABLE),
    **dict.fromkeys(("4", "15", "51", "53", "54", "55", "64", "70", "79", "86", "88", "89"), UNREACHABLE),
}
"""The first words of a carrier's code that say something; most others say “internal error”."""

OF_THE_PHONE = ("MN", "MK", "MI")
"""China Mobile: what begins so has mostly to do with the phone."""


def explain_report(code: str) -> str:
    """For operators: what a report's code means, as far as carriers tell."""
    word = code if code in CARRIERS_WORDS else code.partition("_")[0]
    if word in CARRIERS_WORDS:
        return CARRIERS_WORDS[word]
    return (
        f"多为手机端原因：{UNREACHABLE}，或{NOT_IN_SERVICE}"
        if code[:2] in OF_THE_PHONE
        else "运营商没有公布原因"
    )


def parse_callback(body: bytes, now: datetime) -> list[Report]:
    """The reports of one callback, all or none; `now` dates a failed one that has no time. Raises CallbackUnreadable."""
    if len(body) > MAX_BYTES:
        raise CallbackUnreadable("size")
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise CallbackUnreadable("json") from error
    if not isinstance(rows, list) or len(rows) > MAX_REPORTS:
        raise CallbackUnreadable("rows")
    return [_read_called(row, now) for row in rows]


def _read_called(row: Any, now: datetime) -> Report:
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in FIELDS):
        raise CallbackUnreadable("row")
    arrived, reference = STATUSES.get(row["report_status"]), row["sid"]
    whose = DIGITS.fullmatch(row["nationcode"]) and DIGITS.fullmatch(row["mobile"])
    if arrived is None or not whose or not REFERENCE.fullmatch(reference):
        raise CallbackUnreadable("row")
    at = now if not row["user_receive_time"] and not arrived else _read_time(row["user_receive_time"])
    return Report(PROVIDER, reference, arrived, at, clean_code(row["errmsg"], row["report_status"]))


def _read_time(text: str) -> datetime:
    """Theirs have no zone; they are Beijing's."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CallbackUnreadable("row") from None  # its text repeats what was sent


def read_pulled(row: Mapping[str, Any], now: datetime) -> Report | None:
    """One row of PullSmsSendStatus; None where it says nothing that we can use."""
    reference, status, at_s = row.get("SerialNo"), row.get("ReportStatus"), row.get("UserReceiveTime")
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        return None
    if not isinstance(status, str) or status not in STATUSES:
        return None
    at = datetime.fromtimestamp(at_s, UTC) if isinstance(at_s, int) and 0 < at_s < LATEST_S else now
    return Report(PROVIDER, reference, STATUSES[status], at, clean_code(row.get("Description"), status))


def clean_code(code: Any, status: str) -> str:
    """The carrier's word if it looks like one; a free text may name the phone, then only the status is kept."""
    if isinstance(code, str) and CARRIERS_CODE.fullmatch(code) and not LONG_NUMBER.search(code):
        return code
    return status

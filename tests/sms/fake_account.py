"""An SMS account as Tencent Cloud keeps it, for the fake API: what was approved, what was taken, what the carriers reported.

Every check answers with the vendor's own code: what is wrong with the call as an `Error`, what is wrong with the number, the
signature or the template beside the number, as the vendor's `SendStatus.Code` is described.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

DOMESTIC = re.compile(r"(?:\+86|0086|86)?(1[3-9]\d{9})", re.ASCII)
FOREIGN = re.compile(r"\+(?!86)\d{6,18}", re.ASCII)
BEIJING = timezone(timedelta(hours=8))

SEND_FIELDS = {
    "PhoneNumberSet": list,
    "SmsSdkAppId": str,
    "TemplateId": str,
    "SignName": str,
    "TemplateParamSet": list,
    "ExtendCode": str,
    "SessionContext": str,
    "SenderId": str,
}
FIND_FIELDS = {
    "BeginTime": int,
    "EndTime": int,
    "Offset": int,
    "Limit": int,
    "PhoneNumber": str,
    "SmsSdkAppId": str,
}
PULL_FIELDS = {"Limit": int, "SmsSdkAppId": str}


class Fault(Exception):
    """An `Error` of the whole call."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Approved:
    """A template: how many parameters it has, and whether they are a code's."""

    parameters: int
    for_codes: bool = False


@dataclass(frozen=True)
class Taken:
    """One SMS that was accepted; the phone as +86…."""

    serial: str
    phone: str
    template: str
    params: tuple[str, ...]
    context: str
    at: datetime


@dataclass(frozen=True)
class CarriersReport:
    """What a carrier said of one."""

    taken: Taken
    arrived: bool
    word: str
    at: datetime


@dataclass
class FakeAccount:
    """Tests set what differs from the usual, and read `taken`."""

    app_id: str = "1400006666"
    sign: str = "南京海关"
    templates: dict[str, Approved] = field(default_factory=dict[str, Approved])
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    returns_context: bool = False
    pulling_allowed: bool = True
    taken: list[Taken] = field(default_factory=list[Taken])
    reports: list[CarriersReport] = field(default_factory=list[CarriersReport])
    pulled: int = 0
    called_back: int = 0

    def report(self, taken: Taken, word: str = "DELIVRD") -> CarriersReport:
        """The carrier reports; it can be pulled, found and called back from now on."""
        report = CarriersReport(taken, word == "DELIVRD", word, self.clock())
        self.reports.append(report)
        return report

    def write_callback(self) -> bytes:
        """The body of the next call back, with what was not called back yet, at most 100."""
        due = self.reports[self.called_back : self.called_back + 100]
        self.called_back += len(due)
        return json.dumps([_as_called(report) for report in due], ensure_ascii=False).encode()

    def act(self, action: str, request: Any, code: str = "") -> dict[str, Any]:
        """The answer to a call that is signed rightly; `code` is what to answer for the number in place of taking it."""
        acts = {
            "SendSms": self._send,
            "PullSmsSendStatus": self._pull,
            "PullSmsSendStatusByPhoneNumber": self._find,
        }
        if action not in acts:
            raise Fault("InvalidAction")
        return acts[action](request, code)

    def _send(self, request: Any, code: str) -> dict[str, Any]:
        check_fields(request, SEND_FIELDS, required=("PhoneNumberSet", "SmsSdkAppId", "TemplateId"))
        self._check_app(request)
        if not 1 <= len(request["PhoneNumberSet"]) <= 200:
            raise Fault("LimitExceeded.PhoneNumberCountLimit")
        if len(request.get("SessionContext", "").encode()) >= 512:
            raise Fault("InvalidParameterValue")
        return {"SendStatusSet": [self._take(phone, request, code) for phone in request["PhoneNumberSet"]]}

    def _take(self, phone: str, request: Mapping[str, Any], code: str) -> dict[str, Any]:
        code = code or self._judge(phone, request) or "Ok"
        serial, context = "", request.get("SessionContext", "")
        if code == "Ok":
            serial = f"5000:{1045710669157053657849490000 + len(self.taken)}"
            number = DOMESTIC.fullmatch(phone)
            assert number
            params = tuple(request.get("TemplateParamSet", ()))
            self.taken.append(
                Taken(serial, f"+86{number[1]}", request["TemplateId"], params, context, self.clock())
            )
        return {
            "SerialNo": serial,
            "PhoneNumber": phone,
            "Fee": int(code == "Ok"),
            "SessionContext": context,
            "Code": code,
            "Message": "send success" if code == "Ok" else f"refused for {phone}",
            "IsoCode": "CN",
        }

    def _judge(self, phone: str, request: Mapping[str, Any]) -> str | None:
        """What is wrong with sending this to that number."""
        params = request.get("TemplateParamSet", ())
        template = self.templates.get(request["TemplateId"])
        if not DOMESTIC.fullmatch(phone):
            foreign = FOREIGN.fullmatch(phone)
            return (
                "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"
                if foreign
                else "InvalidParameterValue.IncorrectPhoneNumber"
            )
        if request.get("SignName") != self.sign:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        if template is None:
            return "FailedOperation.TemplateUnapprovedOrNotExist"
        if len(params) != template.parameters:
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        if template.for_codes and not all(re.fullmatch(r"\d{0,6}", each, re.ASCII) for each in params):
            return "InvalidParameterValue.TemplateParameterFormatError"
        return None

    def _pull(self, request: Any, code: str) -> dict[str, Any]:
        check_fields(request, PULL_FIELDS, required=tuple(PULL_FIELDS))
        self._check_app(request)
        if not self.pulling_allowed:
            raise Fault("UnauthorizedOperation.RequestPermissionDeny")
        due = self.reports[self.pulled : self.pulled + check_limit(request)]
        self.pulled += len(due)
        return {"PullSmsSendStatusSet": [self._as_pulled(report) for report in due]}

    def _find(self, request: Any, code: str) -> dict[str, Any]:
        check_fields(
            request,
            FIND_FIELDS,
            required=("BeginTime", "Offset", "Limit", "PhoneNumber", "SmsSdkAppId"),
        )
        self._check_app(request)
        if not self.clock().timestamp() - 7 * 86400 - 60 <= request["BeginTime"]:
            raise Fault("InvalidParameterValue.BeginTimeVerifyFail")
        if request["Offset"] != 0:
            raise Fault("InvalidParameterValue.OffsetVerifyFail")
        end = request.get("EndTime", float("inf"))
        found = [
            report
            for report in self.reports
            if report.taken.phone == request["PhoneNumber"]
            and request["BeginTime"] <= report.taken.at.timestamp() <= end
        ]
        return {"PullSmsSendStatusSet": [self._as_pulled(report) for report in found[: check_limit(request)]]}

    def _check_app(self, request: Mapping[str, Any]) -> None:
        if request["SmsSdkAppId"] != self.app_id:
            raise Fault("UnauthorizedOperation.SmsSdkAppIdVerifyFail")

    def _as_pulled(self, report: CarriersReport) -> dict[str, Any]:
        return {
            "UserReceiveTime": int(report.at.timestamp()),
            "CountryCode": "86",
            "SubscriberNumber": report.taken.phone.removeprefix("+86"),
            "PhoneNumber": report.taken.phone,
            "SerialNo": report.taken.serial,
            "ReportStatus": "SUCCESS" if report.arrived else "FAIL",
            "Description": report.word,
            "SessionContext": report.taken.context if self.returns_context else "",
        }


def _as_called(report: CarriersReport) -> dict[str, str]:
    return {
        "user_receive_time": report.at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        "nationcode": "86",
        "mobile": report.taken.phone.removeprefix("+86"),
        "report_status": "SUCCESS" if report.arrived else "FAIL",
        "errmsg": report.word,
        "description": "用户短信送达成功" if report.arrived else f"{report.taken.phone} 未送达",
        "sid": report.taken.serial,
    }


def check_fields(request: Any, fields: Mapping[str, type], required: Sequence[str]) -> None:
    """As the real one looks at parameters before anything else."""
    if not isinstance(request, dict):
        raise Fault("InvalidParameter")
    if not request.keys() <= fields.keys():
        raise Fault("UnknownParameter")
    if not all(name in request for name in required):
        raise Fault("MissingParameter")
    for name, value in request.items():
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not isinstance(value, fields[name]) or (fields[name] is list and not texts):
            raise Fault("InvalidParameter")


def check_limit(request: Mapping[str, Any]) -> int:
    """How many rows are wanted, 1 to 100."""
    if not 1 <= request["Limit"] <= 100:
        raise Fault("InvalidParameterValue.LimitVerifyFail")
    return int(request["Limit"])

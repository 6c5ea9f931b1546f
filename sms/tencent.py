"""Tencent Cloud SMS: sends, asks what became of one SMS, and pulls reports.

Sending: cloud.tencent.com/document/api/382/55981; asking: 382/55977, and tencentcloud.com/document/api/382/40518 of
13 November 2025. Read on 25 November 2026 and held against the models of tencentcloud-sdk-python-sms 3.1.153.

Failures of a number are no errors of theirs: they stand in `SendStatusSet`. Nothing on their side keeps the same SMS from being
sent twice; `SessionContext` carries our message's id, and comes back if their support has switched it on.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from sending import OperatorNeeded, Receipt, Report, SendError, TryLater, Uncertain
from settings import Settings
from sms.exceptions import SmsMisconfigured
from sms.port import Sms
from sms.templates import ProviderTemplate, read_templates
from sms.tencent_api import TencentApi
from sms.tencent_codes import OK, PROVIDER, to_error
from sms.tencent_reports import REFERENCE, read_pulled

ROWS_A_PULL = 100
PULLS_AT_ONCE = 10
OLDEST_FOUND = timedelta(days=7)
CLOCKS_APART = timedelta(minutes=1)

PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
APP_ID = re.compile(r"\d{6,20}", re.ASCII)
REGION = re.compile(r"[a-z]{2,10}(-[a-z0-9]{1,20}){1,3}", re.ASCII)

log = structlog.get_logger(__name__)


class TencentSms:
    """The provider. `templates` are by our names; `clock` dates reports that have no time of their own."""

    name = PROVIDER
    ask_after_s: float = 120
    """Statuses appear when the carrier has reported, mostly within seconds."""

    def __init__(
        self,
        api: TencentApi,
        *,
        app_id: str,
        sign: str,
        templates: Mapping[str, ProviderTemplate],
        clock: Callable[[], datetime],
    ) -> None:
        self._api, self._app_id, self._sign = api, app_id, sign
        self._templates, self._clock = templates, clock

    async def send(self, sms: Sms) -> Receipt:
        template = self._find_template(sms)
        request = {
            "PhoneNumberSet": [sms.phone],
            "SmsSdkAppId": self._app_id,
            "SignName": self._sign,
            "TemplateId": template.id,
            "TemplateParamSet": [str(sms.params[name]) for name in template.parameters],
            "SessionContext": str(sms.message_id),
        }
        response = await self._api.call("SendSms", request)
        return _read_status(response)

    async def find(self, sms: Sms, since: datetime) -> Receipt | Report | None:
        now = self._clock()
        begin_at = max(since - CLOCKS_APART, now - OLDEST_FOUND)
        request = {
            "SmsSdkAppId": self._app_id,
            "PhoneNumber": sms.phone,
            "BeginTime": int(begin_at.timestamp()),
            "EndTime": int((now + CLOCKS_APART).timestamp()),
            "Offset": 0,
            "Limit": ROWS_A_PULL,
        }
        rows = await self._ask("PullSmsSendStatusByPhoneNumber", request)
        contexts = [row.get("SessionContext") for row in rows]
        if str(sms.message_id) in contexts:
            return self._read_found(rows[contexts.index(str(sms.message_id))])
        if not all(contexts) or len(rows) >= ROWS_A_PULL:
            raise Uncertain(PROVIDER, "SessionContextMissing", "有短信送到这个号码，但服务商没有说是哪一条")
        return None

    async def pull_reports(self) -> list[Report]:
        """Up to 1,000. Theirs is a queue that gives nothing twice, so a later failure does not lose what came before it."""
        reports: list[Report] = []
        for _ in range(PULLS_AT_ONCE):
            try:
                rows = await self._ask(
                    "PullSmsSendStatus", {"SmsSdkAppId": self._app_id, "Limit": ROWS_A_PULL}
                )
            except SendError:
                if reports:
                    break
                raise
            reports += self._read_pulled(rows)
            if len(rows) < ROWS_A_PULL:
                break
        return reports

    async def close(self) -> None:
        await self._api.close()

    def _find_template(self, sms: Sms) -> ProviderTemplate:
        template = self._templates.get(sms.template)
        if template is None:
            raise OperatorNeeded(PROVIDER, "TemplateNotMapped", f"模板文件中没有 {sms.template}")
        if missing := [name for name in template.parameters if name not in sms.params]:
            explanation = f"模板文件中 {sms.template} 的参数 {'、'.join(missing)} 在消息中没有"
            raise OperatorNeeded(PROVIDER, "TemplateParameterMissing", explanation)
        return template

    async def _ask(self, action: str, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rows of a question; where nothing is sent there is nothing uncertain, it can be asked again."""
        try:
            response = await self._api.call(action, request)
            rows = response.get("PullSmsSendStatusSet") or []
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise Uncertain(PROVIDER, "AnswerUnreadable", "服务商的应答缺少回执")
        except Uncertain as error:
            raise TryLater(PROVIDER, error.code, error.explanation) from error
        return rows

    def _read_found(self, row: Mapping[str, Any]) -> Receipt | Report:
        report = read_pulled(row, self._clock())
        if report is not None:
            return report
        return Receipt(PROVIDER, _read_reference(row))

    def _read_pulled(self, rows: list[Mapping[str, Any]]) -> list[Report]:
        now = self._clock()
        reports = [report for row in rows if (report := read_pulled(row, now)) is not None]
        if len(reports) < len(rows):
            log.warning("sms_reports_unreadable", provider=PROVIDER, count=len(rows) - len(reports))
        return reports


def _read_status(response: Mapping[str, Any]) -> Receipt:
    """What became of the one number. Raises a SendError."""
    statuses = response.get("SendStatusSet")
    if not isinstance(statuses, list) or len(statuses) != 1 or not isinstance(statuses[0], dict):
        raise Uncertain(PROVIDER, "AnswerUnreadable", "服务商的应答缺少发送状态")
    status = statuses[0]
    if status.get("Code") != OK:
        raise to_error(status.get("Code"), response.get("RequestId"))
    return Receipt(PROVIDER, _read_reference(status))


def _read_reference(row: Mapping[str, Any]) -> str:
    reference = row.get("SerialNo")
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        raise Uncertain(PROVIDER, "SerialNoMissing", "服务商接受了短信，但没有给出编号")
    return reference


def open_tencent(settings: Settings, clock: Callable[[], datetime]) -> TencentSms:
    """As the settings say. Raises SmsMisconfigured, which names every mistake and repeats no secret."""
    path, app_id, sign = settings.sms_templates, settings.sms_tencent_app_id, settings.sms_tencent_sign
    secret_id, secret_key = _reveal(settings.sms_tencent_secret_id), _reveal(settings.sms_tencent_secret_key)
    checks = {
        "QINGLING_SMS_TENCENT_SECRET_ID is missing, or not printable": PRINTABLE.fullmatch(secret_id),
        "QINGLING_SMS_TENCENT_SECRET_KEY is missing, or not printable": PRINTABLE.fullmatch(secret_key),
        "QINGLING_SMS_TENCENT_APP_ID is missing, or no number": APP_ID.fullmatch(app_id or ""),
        "QINGLING_SMS_TENCENT_SIGN is missing": sign,
        "QINGLING_SMS_TENCENT_REGION is no region": REGION.fullmatch(settings.sms_tencent_region),
        "QINGLING_SMS_TEMPLATES is missing": path,
    }
    mistakes = [mistake for mistake, holds in checks.items() if not holds]
    if mistakes or app_id is None or sign is None or path is None:
        raise SmsMisconfigured(mistakes)
    templates = read_templates(path, PROVIDER)
    endpoint = urlsplit(settings.sms_tencent_endpoint)
    api = TencentApi(
        secret_id=secret_id,
        secret_key=secret_key,
        region=settings.sms_tencent_region,
        scheme=endpoint.scheme,
        host=endpoint.netloc,
        timeout_s=settings.sms_timeout_s,
    )
    return TencentSms(api, app_id=app_id, sign=sign, templates=templates, clock=clock)


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""

"""How everything that goes wrong is told: one table from kinds of refusals to HTTP statuses, RFC 9457 problems for programs,
an error page for people, and what is kept of a failure of ours.

    Refusal            the caller asked in vain: its own status, nothing changed
    RequestInvalid     (FastAPI's) a body or parameter of the wrong shape: 422, every field named; a malformed id: 404
    EngineFailure      a diagram's operator or expression broke: an incident is recorded, the answers become a draft, 500
    database gone      503, to be repeated (with the same Idempotency-Key); so are a lock or a write that took too long
    reading too slow   503 with what to narrow: the statement was ended (`statement_timeout_s`)
    anything else      500 with the request's id, logged
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from jinja2 import TemplateError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import cardauth.exceptions as card
import domain.exceptions as domain
import engine.exceptions as engine
import messages.exceptions as messages
import sms.exceptions as sms
import tasks.exceptions as tasks
import wechat.exceptions as wechat
from api.answers import ProblemJson, problem_body
from api.failures import keep_failure
from api.health import FAILURES
from api.phone import PREFIX, entrance, is_phone
from api.security import BadText, ForgedRequest
from api.sessions import SignedOut
from api.typed import find_typed
from domain.working_days import BEIJING
from errors import Refusal

log = structlog.get_logger(__name__)

STATUS: dict[type[Refusal], int] = {
    SignedOut: 401,
    ForgedRequest: 403,
    BadText: 422,
    engine.TaskGone: 409,
    engine.TaskAlreadyClaimed: 409,
    engine.NotYours: 409,
    engine.StaleVersion: 409,
    engine.NotWaiting: 409,
    engine.UnknownProcess: 404,
    engine.DiagramRefused: 422,
    engine.MigrationRefused: 409,
    tasks.AnswersRefused: 422,
    tasks.KeyReused: 422,
    tasks.NotAllowed: 403,
    tasks.NotFound: 404,
    tasks.AnchorUnreadable: 422,
    tasks.NobodyMeant: 422,
    tasks.ChainUnfit: 409,
    domain.NoExecutive: 409,
    domain.ChooseExecutive: 422,
    domain.EnterpriseNotApproved: 403,
    domain.EnterpriseRegistered: 409,
    domain.AlreadyApplied: 409,
    domain.PhoneDisabled: 403,
    domain.OfficeClosed: 422,
    domain.MailRefused: 422,
    domain.MailNotConfirmed: 409,
    messages.PreferencesRefused: 422,
    messages.SeenRefused: 422,
    domain.SameOffice: 422,
    domain.CannotWithdraw: 409,
    domain.ChainBroken: 409,
    domain.CaptchaRefused: 422,
    domain.CodeRefused: 401,
    domain.TooManyCodes: 429,
    domain.CardUnfit: 422,
    domain.CardTaken: 409,
    domain.CardSignInRefused: 401,
    domain.WechatSignInRefused: 403,
    card.CardRefused: 401,
    card.ChallengeGone: 409,
    card.TokenMalformed: 422,
    card.TrustUnavailable: 503,
    card.CasRefused: 401,
    card.CasUnavailable: 503,
    sms.CallbackRefused: 422,
    sms.CallbackForged: 404,
    sms.CallbackUnreadable: 422,
    wechat.WechatCodeRefused: 401,
    wechat.WechatSnapshot: 403,
    wechat.WechatUnavailable: 503,
    wechat.PictureGone: 422,
    wechat.PictureRefused: 422,
    wechat.CallbackRefused: 403,
    domain.PasswordRefused: 422,
    domain.PasswordMustChange: 403,
    domain.CannotKeep: 422,
    domain.PhoneRefused: 422,
    domain.AttachmentRefused: 422,
    domain.FilesBusy: 503,
    domain.NotAdmin: 403,
    domain.MemberUnknown: 404,
    domain.MemberRefused: 422,
    domain.MemberExists: 409,
    domain.LastAdmin: 409,
    domain.OfferGone: 409,
    domain.SheetRefused: 422,
    domain.FormRefused: 422,
    domain.RecordUnknown: 404,
    domain.NotAdministrator: 403,
    domain.ChangeRefused: 409,
}
TITLES = {
    400: "请求不正确。",
    401: "请先登录。",
    403: "没有权限。",
    404: "没有找到，或者您无权查看。",
    405: "这个网址不支持这种操作。",
    406: "不支持所要求的格式。",
    413: "提交的内容太大。",
    415: "不支持这种格式的内容。",
    422: "提交的内容有误。",
    500: "系统出错了，我们已记录下来。",
    503: "系统正忙，请稍后再试。",
}
# What pydantic calls a mistake, and what we tell about it.
MISTAKES = {
    "missing": "此项必填。",
    "json_invalid": "不是正确的 JSON。",
    "model_attributes_type": "应当是一个 JSON 对象。",
    "extra_forbidden": "没有这一项。",
    "string_type": "应当是文字。",
    "int_type": "应当是整数。",
    "int_parsing": "应当是整数。",
    "bool_type": "应当是 true 或 false。",
    "dict_type": "应当是一个 JSON 对象。",
    "list_type": "应当是一个列表。",
    "uuid_parsing": "不是正确的编号。",
    "uuid_type": "不是正确的编号。",
    "value_error": "内容不正确。",
}

FACTS = {"claimed_by_name": "办理人", "by_person_name": "办理人", "claimed_at": "时间", "at": "时间"}

STATEMENT_ENDED = "57014"
IDLE_ENDED = "25P03"
TOO_SLOW = "查询超过 {seconds:g} 秒没有完成，已经停止。请缩小范围再查：词语写得更完整，或者选定海关单位、状态、业务类别。"

ErrorPage = Callable[..., Response]
AGAIN: tuple[type[Refusal], ...] = (SignedOut, ForgedRequest, domain.EnterpriseSuspended)
"""Refusals after which the very same may be sent again: what stood against it goes away."""


def add_error_handlers(app: FastAPI) -> None:
    """Everything a route may raise, and what comes of it."""
    app.add_exception_handler(Refusal, answer_refusal)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(StarletteHTTPException, answer_http_error)
    app.add_exception_handler(engine.EngineFailure, answer_engine_failure)
    app.add_exception_handler(DBAPIError, answer_database_error)
    app.add_exception_handler(PoolExhausted, answer_busy)
    app.add_middleware(UnexpectedErrors)  # before the other layers: it is inside of them


class UnexpectedErrors:
    """Answers what nobody expected. Starlette's own place for it lies outside of all layers: its answers would carry no
    headers, and the server would log the text of the error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception as error:  # noqa: BLE001  # the last line of defence: logged, counted, told
            response = await answer_unexpected(Request(scope, receive), error)
            if not started:
                await response(scope, receive, send)


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal: its class's, or that of the nearest base that has one."""
    for kind in type(refusal).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 409


def wants_json(request: Request) -> bool:
    """Programs under /api, and whoever asks for JSON and not for HTML; under /dev/ whoever is no browser."""
    accept = request.headers.get("accept", "")
    path = request.url.path
    if path.startswith("/api/"):
        return True
    return "text/html" not in accept and ("json" in accept or path.startswith("/dev/"))


async def answer_refusal(request: Request, error: Exception) -> Response:
    """A refusal by its class's status; who is signed out and looks at a page goes to the sign-in page, unless they have typed
    something: that is shown to them."""
    assert isinstance(error, Refusal)
    status = status_of(error)
    if isinstance(error, SignedOut) and not wants_json(request) and find_typed(request) is None:
        return RedirectResponse(sign_in_address(request), 303)
    if isinstance(error, domain.PasswordMustChange) and not wants_json(request):
        return RedirectResponse("/account/password", 303)
    details = {name: value for name, value in error.details.items() if value is not None}
    return await _answer(
        request,
        status,
        kind_of(error),
        error.message,
        title=(type(error).__doc__ or "").strip(),
        again=isinstance(error, AGAIN),
        heading=error.heading,
        **details,
    )


async def answer_invalid(request: Request, error: Exception) -> Response:
    """Each field that is wrong, by name. A path parameter of the wrong shape names nothing that exists: 404."""
    assert isinstance(error, RequestValidationError)
    mistakes = error.errors()
    if any(mistake["loc"][0] == "path" for mistake in mistakes):
        return await _answer(request, 404, "not_found", TITLES[404])
    errors = {field_name(mistake): tell_mistake(mistake) for mistake in mistakes}
    return await _answer(request, 422, "invalid", TITLES[422], errors=errors)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown addresses, methods, unreadable bodies."""
    assert isinstance(error, (HTTPException, StarletteHTTPException))
    detail = TITLES.get(error.status_code, "请求未被接受。")
    return await _answer(request, error.status_code, "http_error", detail, headers=error.headers)


async def answer_engine_failure(request: Request, error: Exception) -> Response:
    """The command was rolled back; what broke is an incident now, and what was typed is kept as the task's draft."""
    assert isinstance(error, engine.EngineFailure)
    FAILURES.labels("engine").inc()
    log.error("engine.failed", element=error.element_id, exc_info=error)
    kept = await keep_failure(request, error)
    detail = "系统在办理这一步时出了问题，已记录并通知管理员，没有任何改动。"
    if kept:
        detail += "您填写的内容已保存为草稿，请稍后再试。"
    return await _answer(request, 500, "step_failed", detail, element=error.element_id, draft_kept=kept)


async def answer_database_error(request: Request, error: Exception) -> Response:
    """A database that went away or would not wait is told as "try again"; anything else is our mistake."""
    assert isinstance(error, DBAPIError)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    went_away = type(error.orig).__name__ in (
        "OperationalError",
        "InterfaceError",
        "AdminShutdown",
        "CrashShutdown",
    )
    if state == STATEMENT_ENDED and request.method in ("GET", "HEAD"):
        return await answer_too_slow(request, error)
    if (
        error.connection_invalidated
        or went_away
        or state == IDLE_ENDED
        or state[:2] in ("08", "40", "53", "55", "57")
    ):
        log.warning("database.unavailable", sqlstate=state, exc_info=error)
        return await answer_busy(request, error)
    return await answer_unexpected(request, error)


async def answer_busy(request: Request, _error: Exception) -> Response:
    """503: nothing is wrong with the request; the same one may be sent again."""
    FAILURES.labels("busy").inc()
    return await _answer(request, 503, "busy", TITLES[503], headers={"Retry-After": "2"})


async def answer_too_slow(request: Request, error: Exception) -> Response:
    """503 that says what to narrow. The same request would end the same way, so there is no Retry-After."""
    FAILURES.labels("too_slow").inc()
    log.warning("database.too_slow", exc_info=error)
    detail = TOO_SLOW.format(seconds=request.app.state.wired.settings.statement_timeout_s)
    return await _answer(request, 503, "too_slow", detail, title="查询用时太长，已经停止。")


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """500 with the id under which the log tells more."""
    FAILURES.labels("unexpected").inc()
    log.error("request.failed", exc_info=error)
    return await _answer(request, 500, "unexpected", TITLES[500])


async def _answer(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    *,
    title: str | None = None,
    headers: Any = None,
    again: bool = False,
    heading: str | None = None,
    **members: Any,
) -> Response:
    headers = dict(headers or {})
    if status == 401 and wants_json(request):
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after_s" in members:
        headers["Retry-After"] = str(int(members["retry_after_s"]))
    request_id = getattr(request.state, "request_id", None)
    if wants_json(request):
        body = problem_body(status, kind, detail, title=title, request_id=request_id, **members)
        return ProblemJson(body, status, headers)
    page: ErrorPage = getattr(request.app.state, "error_page", None) or plain_error_page
    told = (request, status, title or TITLES.get(status, detail), detail, tell_facts(members))
    try:
        response = page(*told, again=again or status >= 500, heading=heading)
    except TemplateError as error:
        log.exception("error_page.broken", exc_info=error)
        response = plain_error_page(*told)
    response.headers.update(headers)
    return response


def tell_facts(members: dict[str, Any]) -> list[tuple[str, str]]:
    """Who was first and when, for people; programs have the members themselves."""
    found: list[tuple[str, str]] = []
    for name, label in FACTS.items():
        value = members.get(name)
        if isinstance(value, datetime):
            local = value.astimezone(BEIJING)
            value = f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
        if value:
            found.append((label, str(value)))
    return found


def plain_error_page(
    request: Request, status: int, title: str, detail: str, _facts: list[tuple[str, str]], **_more: Any
) -> Response:
    """What people see when the pages themselves cannot be drawn. Both texts are ours: nothing to escape."""
    request_id = getattr(request.state, "request_id", "")
    html = (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title>'
        f'<h1>{title}</h1><p>{detail}</p><p>请求编号：{request_id}</p><p><a href="/">返回首页</a></p>'
    )
    return HTMLResponse(html, status)


def sign_in_address(request: Request) -> str:
    """The sign-in page, and where to go on afterwards (only pages: a lost POST cannot be repeated by a link)."""
    query = f"?{request.url.query}" if request.url.query else ""
    if is_phone(request):
        return entrance(request, request.url.path + query if request.method == "GET" else PREFIX)
    if request.method != "GET" or request.url.path == "/":
        return "/sign-in"
    return f"/sign-in?next={quote(request.url.path + query, safe='')}"


def kind_of(refusal: Refusal) -> str:
    """`TaskAlreadyClaimed` as `task_already_claimed`."""
    name = type(refusal).__name__
    return "".join(
        f"_{letter.lower()}" if letter.isupper() and at else letter.lower() for at, letter in enumerate(name)
    )


def field_name(mistake: dict[str, Any]) -> str:
    """Where a mistake is, as the caller knows it: `body.fields.title` is `fields.title`, unreadable JSON is `body`."""
    place = mistake["loc"]
    inside = () if mistake["type"] == "json_invalid" else place[1:]
    return ".".join(str(part) for part in inside) or str(place[0])


def tell_mistake(mistake: dict[str, Any]) -> str:
    """One mistake of pydantic's in a sentence."""
    limits = mistake.get("ctx", {})
    match mistake["type"]:
        case "string_too_long":
            return f"最多 {limits['max_length']} 个字。"
        case "string_too_short":
            return "此项必填。" if limits["min_length"] == 1 else f"至少 {limits['min_length']} 个字。"
        case "too_long":
            return f"最多 {limits['max_length']} 项。"
        case "greater_than_equal":
            return f"不能小于 {limits['ge']}。"
        case "less_than_equal":
            return f"不能大于 {limits['le']}。"
        case "literal_error" | "enum":
            return f"只能是 {limits.get('expected', '')} 之一。"
        case "string_pattern_mismatch":
            return "格式不正确。"
        case kind:
            return MISTAKES.get(kind, "内容不正确。")

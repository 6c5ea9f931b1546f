"""Structured logs and the record of every request: an id that goes through all its log lines and back to the caller, the
route's pattern, the status, the time. Never a query string, a body, a phone, a name, or the text of an exception (it may
quote a row); exceptions are told by their types and places in the code.
"""

import logging
import re
import sys
import traceback
from time import perf_counter
from typing import Any

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.health import observe_request
from db.ids import uuid7
from settings import Settings

log = structlog.get_logger("request")

ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/static"})


def configure_logging(settings: Settings) -> None:
    """For this process: our lines and those of libraries, as JSON or as text for people, to standard output."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(
            serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
        )
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in (
        "uvicorn.access",
        "httpx",
        "httpcore",
        "alembic",
        "procrastinate",
        "SpiffWorkflow",
        "spiff",
    ):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


def tell_exception(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A processor: an exception as its types and places, without its text."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = describe_error(error)
        event["places"] = error_places(error)
    return event


def describe_error(error: BaseException) -> str:
    """The types of an exception and of what caused it, outermost first."""
    names: list[str] = []
    current: BaseException | None = error
    while current is not None and len(names) < 6:
        names.append(type(current).__qualname__)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " <- ".join(names)


def error_places(error: BaseException) -> list[str]:
    """Where an exception was, innermost last: file, line and function of the last frames of it and of its cause."""
    places: list[str] = []
    current: BaseException | None = error
    while current is not None and len(places) < 40:
        frames = traceback.extract_tb(current.__traceback__)[-12:]
        places += [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in frames
        ]
        current = current.__cause__
    return places


class RequestLog:
    """The outermost layer: gives every request its id (`X-Request-ID`, taken over from a proxy), times and records it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid7().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        header = (b"x-request-id", request_id.encode())
        status = 0
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = perf_counter() - started
            route = route_pattern(scope)
            observe_request(scope["method"], route, status, seconds)
            if route not in QUIET_ROUTES or status >= 500:
                log.info(
                    "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1)
                )


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and ACCEPTABLE_ID.fullmatch(value):
            return value.decode()
    return None


def route_pattern(scope: Scope) -> str:
    """The matched route as it was written (`/api/v1/issues/{issue_id}`), `-` when none matched: never what was typed."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return str(getattr(scope.get("route"), "path", "-"))

"""For the people and programs that keep the server running: is it alive, can it serve, and its figures for Prometheus."""

import hmac
import os
from ipaddress import ip_address
from typing import Any

import structlog
from fastapi import Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import PlainTextResponse, Response

from api.answers import Json
from api.closed import Answer, answer, says
from api.routing import make_router

log = structlog.get_logger(__name__)

router = make_router(tags=["运行"])


@answer
class Ready(Answer):
    """Whether this process can serve."""

    ready: bool = says("可以提供服务")
    missing: list[str] = says("还缺什么；可以时是空的")


REQUESTS = Counter("qingling_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "qingling_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
FAILURES = Counter("qingling_failures", "Requests that failed by our fault", ["kind"])
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WORK_WAITING = text(
    "SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo') AS jobs_waiting,"
    " (SELECT count(*) FROM message WHERE state IN ('queued', 'sending', 'asking')) AS messages_waiting,"
    " (SELECT count(*) FROM message WHERE state = 'failed') AS messages_failed,"
    " (SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 FROM message"
    "   WHERE state IN ('queued', 'sending', 'asking') AND due_at < now()) AS messages_late_seconds,"
    " (SELECT count(*) FROM message_alarm WHERE closed_at IS NULL) AS message_alarms_open,"
    " (SELECT count(*) FROM incident WHERE resolved_at IS NULL) AS incidents_open,"
    " (SELECT coalesce(extract(epoch FROM now() - min(next_due)), 0)::float8 FROM process_instance"
    "   WHERE next_due < now()) AS timers_late_seconds"
)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(method if method in KNOWN_METHODS else "other", route, status).inc()
    SECONDS.labels(route).observe(seconds)


@router.get("/healthz", summary="进程是否在运行", response_class=PlainTextResponse)
async def tell_alive() -> Response:
    """Always 200 while the process answers at all; asks nobody else."""
    return PlainTextResponse("ok\n")


@router.get(
    "/readyz",
    response_model=Ready,
    summary="是否可以提供服务",
    responses={503: {"model": Ready, "description": "还不可以"}},
)
async def tell_ready(request: Request) -> Response:
    """200 when the database answers and the processes are deployed, else 503 with what is missing."""
    missing = await find_missing(request.app.state.wired)
    return Json(Ready(ready=not missing, missing=missing), 503 if missing else 200)


async def find_missing(wired: Any) -> list[str]:
    """What keeps this process from serving; empty when nothing does."""
    try:
        async with wired.sessions() as session:
            deployed = await session.scalar(
                text("SELECT count(*) FROM process_definition WHERE key = 'issue'")
            )
    except (SQLAlchemyError, OSError) as error:
        log.warning("readyz.database", error=type(error).__name__)
        return ["database"]
    return [] if deployed else ["process issue"]


@router.get("/metrics", summary="Prometheus 指标", response_class=PlainTextResponse)
async def tell_metrics(request: Request) -> Response:
    """For callers on this machine, and for whoever brings the operator's token. Others are told nothing is here."""
    if not is_local(request) and not brings_token(request, request.app.state.wired.settings.metrics_token):
        return PlainTextResponse("Not Found\n", 404)
    registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    waiting = await read_work_waiting(request.app.state.wired)
    return Response(generate_latest(registry) + generate_latest(waiting), media_type=CONTENT_TYPE_LATEST)


def is_local(request: Request) -> bool:
    """Whether the request comes from this machine itself (a named proxy's caller counts as where they are)."""
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def brings_token(request: Request, token: SecretStr | None) -> bool:
    """Whether the request carries this token as its Bearer token; never where none is set."""
    if token is None:
        return False
    expected = f"Bearer {token.get_secret_value()}"
    return hmac.compare_digest(request.headers.get("authorization", "").encode(), expected.encode())


def read_cards(wired: Any) -> dict[str, float]:
    """Whether cards are let in (1 or 0), and how much about their trust list wants seeing to; nothing where cards are off."""
    if wired.cards is None:
        return {}
    now = wired.read_clock()
    return {"cards_open": float(wired.cards.is_open(now)), "card_alarms": len(wired.cards.alarms(now))}


async def read_work_waiting(wired: Any) -> CollectorRegistry:
    """Gauges that only the database knows: what waits to be done, sent or looked at."""
    registry = CollectorRegistry()
    async with wired.sessions() as session:
        row = (await session.execute(WORK_WAITING)).mappings().one()
    values = dict(row) | read_cards(wired)
    for name, value in values.items():
        Gauge(f"qingling_{name}", name.replace("_", " "), registry=registry).set(value)
    return registry

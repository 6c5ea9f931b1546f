"""What every request passes before a route sees it, and what every answer carries."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from tests.api.conftest import ORIGIN, World


async def test_an_unknown_host_is_refused(world: World) -> None:
    answer = await world.client().get("/api/v1/me", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:qingling:unknown_host"


async def test_probes_answer_under_any_host(world: World) -> None:
    answer = await world.client().get("/healthz", headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/me", "/nothing/here", "/healthz"])
async def test_every_answer_carries_the_security_headers(world: World, path: str) -> None:
    headers = (await world.client().get(path)).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) >= 8
    assert "server" not in headers


async def test_a_cookie_alone_changes_nothing(world: World) -> None:
    browser = world.browser("staff")
    assert (await browser.get("/api/v1/me")).status_code == 200
    refused = await browser.delete("/api/v1/sessions/current")
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:qingling:forged_request"
    assert (await browser.get("/api/v1/me")).status_code == 200


async def test_a_cookie_with_the_pages_token_may_change_things(world: World) -> None:
    browser = world.browser("staff")
    token = await csrf_of(world, "staff")
    assert (
        await browser.delete("/api/v1/sessions/current", headers={"X-CSRF-Token": token})
    ).status_code == 204
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_somebody_elses_token_is_refused(world: World) -> None:
    token = await csrf_of(world, "stranger")
    refused = await world.browser("staff").delete("/api/v1/sessions/current", headers={"X-CSRF-Token": token})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_what_another_site_makes_a_browser_send_is_refused(
    world: World, headers: dict[str, str]
) -> None:
    token = await csrf_of(world, "staff")
    refused = await world.browser("staff").delete(
        "/api/v1/sessions/current", headers={"X-CSRF-Token": token, **headers}
    )
    assert refused.status_code == 403


async def test_a_program_with_a_token_needs_no_csrf(world: World) -> None:
    assert (await world.client("staff").delete("/api/v1/sessions/current")).status_code == 204


async def test_an_oversized_body_is_refused_by_its_announced_length(world: World) -> None:
    answer = await world.client("staff").post(
        "/api/v1/issues", content=b"x", headers={"Content-Length": "99999999999"}
    )
    assert answer.status_code == 413


async def test_an_oversized_body_is_refused_when_its_length_is_not_told(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(14):
            yield b"x" * 1024 * 1024

    answer = await world.client("staff").post(
        "/api/v1/attachments", content=chunks(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 413


async def test_nul_in_an_address_is_refused(world: World) -> None:
    assert (await world.client("staff").get("/api/v1/issues?q=%00")).status_code == 400


async def csrf_of(world: World, name: str) -> str:
    """The token as the pages carry it."""
    from starlette.requests import Request

    from api.security import csrf_token

    cookie = f"qingling_session={world.tokens[name]}".encode()
    return csrf_token(
        Request({"type": "http", "app": world.app, "headers": [(b"cookie", cookie)], "state": {}})
    )


async def ask_for_metrics(world: World, address: str, **headers: str) -> int:
    """The status that a caller at this address gets."""
    transport = httpx.ASGITransport(world.app, client=(address, 50000))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as caller:
        return (await caller.get("/metrics", headers=headers)).status_code


async def test_figures_are_for_this_machine_and_for_the_operators_token(world: World) -> None:
    token = "a-token-for-metrics"
    bearer = {"authorization": f"Bearer {token}"}
    assert await ask_for_metrics(world, "127.0.0.1") == 200
    assert await ask_for_metrics(world, "::1") == 200
    assert await ask_for_metrics(world, "192.0.2.1") == 404
    assert await ask_for_metrics(world, "192.0.2.1", **bearer) == 404
    assert await ask_for_metrics(world, "192.0.2.1", authorization="Bearer ") == 404
    given = world.wired.settings.model_copy(update={"metrics_token": SecretStr(token)})
    world.app.state.wired = replace(world.wired, settings=given)
    assert await ask_for_metrics(world, "192.0.2.1", **bearer) == 200
    assert await ask_for_metrics(world, "192.0.2.1", authorization=f"Bearer {token}x") == 404
    assert await ask_for_metrics(world, "192.0.2.1") == 404
    assert await ask_for_metrics(world, "127.0.0.1") == 200


async def test_without_demo_there_are_no_demo_routes(world: World) -> None:
    real = create_app(replace(world.wired, settings=world.wired.settings.model_copy(update={"demo": False})))
    transport = httpx.ASGITransport(real, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as caller:
        for path in ("/dev/inbox", "/dev/people", "/api/v1/dev/inbox", "/api/v1/dev/people"):
            assert (await world.client().get(path)).status_code == 200
            assert (await caller.get(path)).status_code == 404
        described = (await caller.get("/openapi.json")).json()["paths"]
    assert not [path for path in described if "/dev/" in path]

"""Every route says who may call it, and the names that programs rely on are there."""

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from api.deps import OPEN, find_allow
from api.security import check_csrf
from tests.api.conftest import World

CONTRACT = {
    ("POST", "/api/v1/sign-in/code"),
    ("POST", "/api/v1/sign-in"),
    ("GET", "/api/v1/me"),
    ("POST", "/api/v1/me/membership"),
    ("DELETE", "/api/v1/sessions/current"),
    ("GET", "/api/v1/sessions"),
    ("GET", "/api/v1/lists"),
    ("POST", "/api/v1/issues"),
    ("GET", "/api/v1/issues"),
    ("GET", "/api/v1/issues/{issue_id}"),
    ("GET", "/api/v1/issues/{issue_id}/timeline"),
    ("GET", "/api/v1/issues/{issue_id}/diagram"),
    ("POST", "/api/v1/issues/{issue_id}/withdraw"),
    ("POST", "/api/v1/attachments"),
    ("GET", "/api/v1/attachments/{attachment_id}"),
    ("GET", "/api/v1/tasks"),
    ("GET", "/api/v1/tasks/{task_id}"),
    ("PUT", "/api/v1/tasks/{task_id}/draft"),
    ("POST", "/api/v1/tasks/{task_id}/claim"),
    ("POST", "/api/v1/tasks/{task_id}/release"),
    ("POST", "/api/v1/tasks/{task_id}/hand-over"),
    ("POST", "/api/v1/tasks/{task_id}/complete"),
    ("GET", "/api/v1/members"),
    ("POST", "/api/v1/members"),
    ("PATCH", "/api/v1/members/{member_id}"),
    ("DELETE", "/api/v1/members/{member_id}"),
    ("GET", "/api/v1/dev/inbox"),
    ("GET", "/api/v1/dev/people"),
    ("GET", "/dev/inbox"),
    ("GET", "/dev/people"),
}


def routes_of(world: World) -> list[tuple[str, str, APIRoute | None]]:
    """Method, whole path and route, for everything the application answers."""
    found: list[tuple[str, str, APIRoute | None]] = []
    for context in iter_route_contexts(world.app.routes):
        route = context.original_route
        if isinstance(route, Mount):
            found.append(("GET", route.path, None))
            continue
        api_route = route if isinstance(route, APIRoute) else None
        found += [(method, context.path or "", api_route) for method in (context.methods or set()) - {"HEAD"}]
    return found


async def test_every_route_declares_who_may_call_it_or_is_open(world: World) -> None:
    undeclared = {
        (method, path)
        for method, path, route in routes_of(world)
        if path not in OPEN and not (route and any(find_allow(route.dependant)))
    }
    assert undeclared == set()


async def test_nothing_is_open_that_does_not_exist(world: World) -> None:
    assert {path for _, path, _ in routes_of(world)} >= OPEN


async def test_open_routes_are_the_few_that_nobody_need_sign_in_for(world: World) -> None:
    declared_too = {
        path
        for _, path, route in routes_of(world)
        if path in OPEN and route and any(find_allow(route.dependant))
    }
    assert declared_too == set()


async def test_the_contract_is_complete(world: World) -> None:
    assert {(method, path) for method, path, _ in routes_of(world)} >= CONTRACT


async def test_openapi_describes_the_contract(world: World) -> None:
    paths = (await world.client().get("/openapi.json")).json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described >= {(method, path) for method, path in CONTRACT if path.startswith("/api/")}
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path} says nothing about itself"
            assert "200" not in operation["responses"] or operation["responses"]["200"].get("content"), (
                f"{method} {path}"
            )


async def test_nobody_gets_past_a_declared_route(world: World) -> None:
    nobody = world.client()
    for method, path, _ in routes_of(world):
        if path in OPEN or not path.startswith("/api/"):
            continue
        answer = await nobody.request(method, path.replace("{", "").replace("}", ""), json={})
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_route_refuses_forged_requests(world: World) -> None:
    unguarded = {
        path
        for _, path, route in routes_of(world)
        if route and check_csrf not in {one.call for one in route.dependant.dependencies}
    }
    assert unguarded == set()

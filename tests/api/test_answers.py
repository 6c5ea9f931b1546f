"""JSON says what its schema says: every route has a closed model, every field its line, and nothing else goes out.

That real answers have exactly these fields is held everywhere: each client of the tests looks (tests/api/described.py).
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter
from starlette.responses import Response

from api.answers import TOLD, Json, Problem, problem_body
from api.closed import OPEN, Answer, answer, says
from api.json.route import json_router
from api.json.schemas.issues import IssueLine as IssueLineOut
from api.json.show.issues import show_issues
from tasks.issues import IssueLine
from tasks.pages import Page
from tests.api.conftest import World
from tests.api.described import Described, describe, find_mistakes
from tests.api.test_routes import routes_of

NOTHING_COMES = frozenset({202, 204})
# What an analyst's forms decide is a map, or any value, by intention; whoever adds one says here that it is meant.
MEANT_TO_BE_OPEN = {
    "AnsweredField.value",
    "TaskDetail.answers",
    "TaskDetail.draft",
    "TaskDetail.form",
    "TaskDetail.values",
}
# Bodies that take fields of an analyst's form besides those that are named.
MEANT_TO_TAKE_MORE = {"IssueBody", "RegistrationBody"}


def why_open(route: APIRoute) -> str | None:
    """Why an answer of this route could hold anything; None for a route whose answers are closed."""
    makes_json = "Json(" in inspect.getsource(route.endpoint)
    if not route.include_in_schema and not makes_json:
        return None  # a page
    if route.response_model is None:
        closed = route.status_code in NOTHING_COMES or (200 in route.responses and not makes_json)
        return None if closed or is_plain(route) else "no model"
    return ", ".join(find_open(TypeAdapter(route.response_model).json_schema(mode="serialization"))) or None


def is_plain(route: APIRoute) -> bool:
    """Whether it answers with a text and no JSON."""
    return getattr(route.response_class, "media_type", None) == "text/plain"


def find_open(schema: Any, place: str = "") -> Iterator[str]:
    """The places in a schema that anything fits into and that do not say so."""
    if isinstance(schema, list):
        for part in schema:
            yield from find_open(part, place)
    if not isinstance(schema, dict) or OPEN in schema:
        return
    if schema.get("type") == "object" and schema.get("additionalProperties", True) is True:
        yield place or "the answer"
    if not schema.keys() - {"title", "description"}:
        yield place or "the answer"
    for name, part in schema.get("properties", {}).items():
        yield from find_open(part, name)
    for word in ("anyOf", "items", "additionalProperties"):
        yield from find_open(schema.get(word), place)
    for part in schema.get("$defs", {}).values():
        yield from find_open(part, place)


async def test_every_route_has_a_closed_model(world: World) -> None:
    routes = [(method, path, route) for method, path, route in routes_of(world) if route]
    assert {f"{method} {path}: {why}" for method, path, route in routes if (why := why_open(route))} == set()
    assert sum(route.response_model is not None for _, _, route in routes) > 50


@pytest.mark.parametrize(
    "address",
    [
        "/issues/new/draft",
        "/w/tasks/1/draft",
        "/register/1/draft",
        "/register/1/licence",
        "/w/wechat/pictures",
    ],
)
async def test_what_scripts_of_pages_get_is_held_to_its_model_too(world: World, address: str) -> None:
    operation = describe(world.app).find("POST", address)
    assert operation is not None and not operation.in_contract
    request = httpx.Request("POST", f"http://127.0.0.1{address}")
    status = int(next(iter(operation.responses)))
    told = httpx.Response(status, json={"saved": None, "more": 1}, request=request)
    assert find_mistakes(describe(world.app), told) != []


@answer
class Loose(Answer):
    more: dict[str, Any] = says("随便什么")


class Lax(BaseModel):
    id: int


@pytest.mark.parametrize(
    "model", [None, dict, dict[str, Any], list[dict[str, Any]], list[Any], Any, Loose, list[Loose], Lax]
)
def test_a_route_without_a_closed_model_is_found(model: Any) -> None:
    router = json_router("probe")

    @router.get("/probe", response_model=model)
    async def probe() -> Response:
        return Json([])

    assert why_open(next(route for route in router.routes if isinstance(route, APIRoute)))


def test_only_closed_answers_go_out() -> None:
    assert orjson.loads(Json([Loose(more={})]).body) == [{"more": {}}]
    for content in ({"id": 1}, [{"id": 1}], Lax(id=1), None):
        with pytest.raises(TypeError, match="only closed answers"):
            Json(content)  # pyright: ignore[reportArgumentType]  # what the type checker would have said
    with pytest.raises(TypeError, match="unexpected keyword"):
        Loose(more={}, another=1)  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="missing"):
        Loose()  # pyright: ignore[reportCallIssue]


@dataclass(frozen=True)
class WiderLine(IssueLine):
    """A line whose query has got a column for the list page alone."""

    note_of_customs: str


def test_a_column_added_to_the_query_stays_inside() -> None:
    """As it once did not: GET /api/v1/issues sent whatever the list page asked for."""
    values = dict.fromkeys((one.name for one in fields(IssueLine)), None)
    line = WiderLine(**values, note_of_customs="内部意见")  # pyright: ignore[reportArgumentType]
    shown = orjson.loads(Json(show_issues(Page([line], None))).body)
    assert shown["items"][0].keys() == {one.name for one in fields(IssueLineOut)}


async def test_openapi_describes_every_field_in_a_line(world: World) -> None:
    document = (await world.client().get("/openapi.json")).json()
    silent = {
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description") or "\n" in described["description"]
    }
    assert silent == set()
    operations = (operation for path in document["paths"].values() for operation in path.values())
    asked = [one for operation in operations for one in operation.get("parameters", [])]
    assert {one["name"] for one in asked if not one.get("description")} == set()


async def test_openapi_shows_closed_objects_and_names_the_open_ones(world: World) -> None:
    schemas = (await world.client().get("/openapi.json")).json()["components"]["schemas"]
    named = {name: schema for name, schema in schemas.items() if not name.startswith("Body_")}
    lax = {name for name, schema in named.items() if schema.get("additionalProperties") is not False}
    assert lax == MEANT_TO_TAKE_MORE
    assert lax & _answers((await world.client().get("/openapi.json")).json()) == set()
    marked = {
        f"{name}.{field}"
        for name, schema in named.items()
        for field, described in schema["properties"].items()
        if OPEN in described
    }
    assert marked == MEANT_TO_BE_OPEN


async def test_every_field_of_an_answer_is_always_there(world: World) -> None:
    document = (await world.client().get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for name in _answers(document):
        if name != "Problem":
            assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name


def _answers(document: dict[str, Any]) -> set[str]:
    """The schemas that answers are made of."""
    found = {"Problem"}
    waiting: list[Any] = [
        operation["responses"] for path in document["paths"].values() for operation in path.values()
    ]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            name = part.get("$ref", "").rpartition("/")[2] if isinstance(part.get("$ref"), str) else ""
            if name and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
            waiting += part.values()
    return found


def test_a_problem_tells_what_it_names_and_nothing_else() -> None:
    body = problem_body(409, "task_gone", "已办完。", by_person=uuid4(), at=datetime.now(UTC), sql="SELECT 1")
    assert orjson.loads(body).keys() == {"type", "title", "status", "detail", "by_person", "at"}
    assert {"errors", "request_id", "retry_after_s"} <= TOLD
    assert {one.name for one in fields(Problem)} >= TOLD


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b'{"id": 1}', None),
        (200, b'{"id": 1, "more": 2}', "more"),
        (200, b"{}", "id"),
        (200, b'{"id": "1"}', "integer"),
        (201, b'{"id": 1}', "201 is not declared"),
    ],
)
def test_a_client_of_the_tests_sees_what_is_not_as_described(
    status: int, body: bytes, said: str | None
) -> None:
    app = FastAPI()

    @answer
    class Exact(Answer):
        id: int = says("编号")

    @app.get("/probe", response_model=Exact)
    async def probe() -> None: ...

    request = httpx.Request("GET", "http://127.0.0.1/probe")
    headers = {"content-type": "application/json"}
    told = httpx.Response(status, content=body, headers=headers, request=request)
    wrong = find_mistakes(Described(app), told)
    assert (wrong == []) if said is None else (said in wrong[0])

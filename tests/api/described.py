"""Every answer in the tests, held against what OpenAPI says of it: no field more, no field fewer, no status and no media type but
those declared. Clients of the tests carry `held_to(app)`; what scripts of our pages get is held to its route's model likewise."""

import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema_rs
import orjson
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

JSON, PROBLEM = "application/json", "application/problem+json"
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
EVERYWHERE = frozenset(
    {405, 421, 500}
)  # what any address may be answered: no such method, not our name, our own fault


@dataclass(frozen=True)
class Operation:
    """One method of one path, with what OpenAPI says of its answers."""

    method: str
    path: str
    address: re.Pattern[str]
    responses: dict[str, Any]
    in_contract: bool


class Described:
    """An application's own description, ready to hold answers against."""

    def __init__(self, app: FastAPI) -> None:
        document = app.openapi()
        self.components = document["components"]
        self.validators: dict[str, Any] = {}
        self.operations = sorted(
            [*_operations(document), *_scripts(app)], key=lambda one: one.path.count("{")
        )

    def find(self, method: str, path: str) -> Operation | None:
        """What is asked for; None for what is not described."""
        asked = (one for one in self.operations if one.method == method and one.address.fullmatch(path))
        return next(asked, None)

    def mistakes(self, schema: dict[str, Any], body: bytes) -> list[str]:
        """Where this body is not as described."""
        key = orjson.dumps(schema).decode()
        if key not in self.validators:
            whole = {**schema, "components": self.components}
            self.validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        found = self.validators[key].iter_errors(orjson.loads(body))
        return [f"{'/'.join(map(str, one.instance_path))}: {one.message}" for one in found]


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, _address(path), described["responses"], in_contract=True)


def _scripts(app: FastAPI) -> Iterator[Operation]:
    """Pages whose answer is JSON for their own script."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and not route.include_in_schema and route.response_model is not None:
            schema = TypeAdapter(route.response_model).json_schema(mode="serialization")
            responses = {str(route.status_code or 200): {"content": {JSON: {"schema": schema}}}}
            for method in route.methods or ():
                yield Operation(
                    method, context.path or "", _address(context.path or ""), responses, in_contract=False
                )


def _address(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def describe(app: FastAPI) -> Described:
    """Made once an application."""
    if not hasattr(app.state, "described"):
        app.state.described = Described(app)
    return app.state.described


def held_to(app: FastAPI) -> dict[str, list[Callable[[httpx.Response], Coroutine[Any, Any, None]]]]:
    """`event_hooks` of a client: each answer is held against the description when it comes."""

    async def check(answer: httpx.Response) -> None:
        await answer.aread()
        wrong = find_mistakes(describe(app), answer)
        assert wrong == [], (
            f"{answer.request.method} {answer.request.url.path}: {wrong}\n{answer.text[:2000]}"
        )

    return {"response": [check]}


def find_mistakes(described: Described, answer: httpx.Response) -> list[str]:
    """In what an answer is not as described."""
    method, path, status = answer.request.method, answer.request.url.path, str(answer.status_code)
    media = answer.headers.get("content-type", "").partition(";")[0]
    wrong = described.mistakes(PROBLEM_SCHEMA, answer.content) if media == PROBLEM else []
    operation = described.find(method, path)
    if operation is None or (not operation.in_contract and media != JSON):
        return wrong
    if operation.in_contract and status not in operation.responses and answer.status_code not in EVERYWHERE:
        return [*wrong, f"{status} is not declared"]
    content = operation.responses.get(status, {}).get("content", {})
    if media == JSON:
        wrong += (
            described.mistakes(content[JSON]["schema"], answer.content) if JSON in content else ["no JSON"]
        )
    elif media and media != PROBLEM and not _is_file(content):
        wrong += [] if media in content else [f"{media} is not declared"]
    elif not media and content:
        wrong.append("nothing came")
    return wrong


def _is_file(content: dict[str, Any]) -> bool:
    return "application/octet-stream" in content

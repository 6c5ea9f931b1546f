"""docs/contract.md, written from the routes themselves and from a day on which programs called them."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api.deps import ENTERPRISE, OFFICERS, Allow, find_allow
from tests.api.contract.played import Example

HEAD = Path(__file__).with_name("head.md").read_text()
TITLES = {
    "登录": "Who am I",
    "名单": "Lists to choose from",
    "问题": "Issues",
    "任务": "Tasks",
    "附件": "Attachments",
    "企业注册": "Registration",
    "卡": "Cards",
    "用户管理": "Members",
    "手机号码": "Phones",
    "消息": "Notices",
    "演示": "In demo mode only",
}
KINDS = {ENTERPRISE: "members of an enterprise", OFFICERS: "officers"}
SECRETS = frozenset({"token", "nonce", "image", "seen", "next", "password", "old", "new", "request_id"})
PROOF = re.compile(
    r"[0-9]{6}|[\w+/=-]{32,}", re.ASCII
)  # a code that was sent, or what only the server can make
CODES = frozenset({"code", "old_code", "new_code"})
WIDEST, LONGEST, MOST = 100, 90, 2
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def write_page(app: FastAPI, examples: Mapping[tuple[str, str], Example]) -> str:
    """The whole page. Raises KeyError for a route without an example."""
    sections: dict[str, list[str]] = {}
    for route in find_routes(app):
        for method in sorted(route.methods or ()):
            example = examples[method, re.sub(r"{\w+}", "{}", route.path)]
            sections.setdefault(str(route.tags[0]), []).append(write_route(method, route, example))
    parts = [HEAD]
    for tag, title in TITLES.items():
        parts += [f"## {title}\n", *sections.pop(tag)]
    assert not sections, f"name these sections: {sorted(sections)}"
    return number_ids("\n".join(parts))


def find_routes(app: FastAPI) -> list[APIRoute]:
    """What belongs to the contract."""
    found = (context.original_route for context in iter_route_contexts(app.routes))
    return [
        route
        for route in found
        if isinstance(route, APIRoute) and route.include_in_schema and re.match("/api/|/dev/", route.path)
    ]


def write_route(method: str, route: APIRoute, example: Example) -> str:
    """One route: what it is for, who may call it, an example, what it may refuse with."""
    duty = " ".join((route.endpoint.__doc__ or "").split())
    refusals = ", ".join(str(status) for status in sorted(route.responses, key=int) if int(status) >= 400)
    lines = [f"### {method} {route.path}", "", f"{route.summary}. {duty}", ""]
    lines += [f"*Who may call:* {tell_callers(route)}. *Refuses with:* {refusals}.", ""]
    lines += ["```http", *write_request(example), "```", ""]
    return "\n".join([*lines, *write_answer(example), ""])


def tell_callers(route: APIRoute) -> str:
    """Who gets past the door; which rows they may then see is decided row by row."""
    declared = next(find_allow(route.dependant), None)
    if declared is None:
        return "anybody"
    reading = (route.methods or set()) <= {"GET", "HEAD"}
    more = "" if reading or not declared.while_suspended else ", also of a suspended enterprise"
    return name_roles(declared) + more


def name_roles(declared: Allow) -> str:
    """The roles, in words where a whole kind of people is meant."""
    if not declared.roles:
        return "whoever has signed in"
    words: list[str] = []
    roles = set(declared.roles)
    for kind, name in KINDS.items():
        if roles >= kind:
            words.append(name)
            roles -= kind
    return ", ".join([*words, *(f"`{role}`" for role in sorted(roles))])


def write_request(example: Example) -> Iterable[str]:
    """The request as HTTP has it, without what every one carries."""
    yield f"{example.method} {example.address}"
    for name, value in example.headers.items():
        yield f"{name}: {value}"
    if example.form:
        yield "Content-Type: multipart/form-data"
        yield ""
        for name, value in example.form.items():
            yield f"{name}: {cut(value, name)}"
    elif example.json is not None:
        yield ""
        yield show(example.json)


def write_answer(example: Example) -> Iterable[str]:
    """The status, and what came."""
    if example.answer is None:
        yield f"`{example.status}`" + (
            f", the file as `{example.media}`" if example.media else ", no content"
        )
        return
    yield f"`{example.status}`"
    yield ""
    yield "```json"
    yield show(example.answer)
    yield "```"


def show(value: Any) -> str:
    """JSON to read."""
    return spread(cut(value), "")


def spread(value: Any, indent: str) -> str:
    """What fits on one line on one line, the rest a line for each part."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= WIDEST or not isinstance(value, (dict, list)):
        return flat
    inner = f"{indent}  "
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{spread(one, inner)}" for one in value) + f"\n{indent}]"
    parts = (f"{inner}{json.dumps(name)}: {spread(part, inner)}" for name, part in value.items())
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def cut(value: Any, key: str = "") -> Any:
    """Without secrets, long texts and long lists."""
    if isinstance(value, dict):
        return {name: cut(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [cut(part, key) for part in value[:MOST]] + (["…"] if len(value) > MOST else [])
    if isinstance(value, str):
        secret = key in SECRETS or key.endswith("challenge") or (key in CODES and PROOF.fullmatch(value))
        if value and (secret or (PROOF.fullmatch(value) and not UUID.fullmatch(value) and len(value) > 30)):
            return "…"
        if len(value) > LONGEST:
            return f"{value[:40]}…"
    return value


def number_ids(page: str) -> str:
    """Ids in the order in which they come, so that the page is the same tomorrow."""
    known: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return known.setdefault(found[0], f"019a0000-0000-7000-8000-{len(known) + 1:012d}")

    return UUID.sub(number, page)

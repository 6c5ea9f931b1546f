"""What each route is asked about and what is sent to it: enough for whoever may to succeed, so that a refusal is one of right.

`<member:peer>` in a value is the id of that thing in the world.
"""

import re
from typing import Any
from uuid import uuid4

from tests.api.access_world import PNG, QUESTION, AccessWorld

# Parameter of a path → things of the world, as kind and names; to write, fewer of them are asked about.
THINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "issue_id": ("issue", ("draft", "review", "customs", "claimed", "moved", "halted")),
    "task_id": (
        "task",
        ("draft", "review", "customs", "claimed", "moved", "supply", "answered", "halted", "registration"),
    ),
    "registration_id": ("registration", ("waiting",)),
    "challenge": ("challenge", ("elsewhere",)),
    "visit_id": ("visit", ("elsewhere",)),
    "card_id": ("card", ("own",)),
    "card_request_id": ("card_request", ("open",)),
    "attachment_id": ("attachment", ("loose", "used", "licence")),
    "session_id": ("session", ("staff",)),
    "member_id": ("member", ("peer",)),
    "offer_id": ("offer", ("open",)),
    "request_id": ("request", ("member", "officer")),
    "template_id": ("template", ("own", "office")),
    "filter_id": ("filter", ("own",)),
    "officer_id": ("officer", ("mate",)),
    "enterprise_id": ("enterprise", ("ours",)),
    "incident_id": ("incident", ("open",)),
    "message_id": ("message", ("failed",)),
    "job_id": ("job", ("failed",)),
}
ONLY_READ = frozenset({"supply", "answered"})
FIXED = {
    "code": "2303",
    "list_name": "kind",
    "year": "2027",
    "kind": "xlsx",
    "alarm_id": str(uuid4()),
    "file_id": str(uuid4()),
    "path:path": "account/cards",
    "page": "1",
}

ANSWERS: dict[str, dict[str, Any]] = {
    "draft": {"send": True},
    "review": {"decision": "submit", "importance": "重要"},
    "customs": {"decision": "answer", "answer": "可以申请提前解除监管。"},
    "claimed": {"decision": "answer", "answer": "可以申请提前解除监管。"},
    "moved": {"decision": "answer", "answer": "可以申请提前解除监管。"},
    "supply": {"information": "设备用于生产汽车零部件。"},
    "answered": {"rating": 1},
    "halted": {"send": True},
    "registration": {"decision": "approve"},
}
MEMBER = {"name": "新同事", "phone": "13712345678", "position": "专员", "roles": ["customs_affairs"]}
CARD: dict[str, Any] = {"challenge": "<session:staff>", "token": {}}
CARD_PHONE = {"phone": "13712345678", "code": "000000", "code_challenge": "<session:staff>", "office": "2301"}
CODES = {"old_code": "000000", "new_code": "000000"}

# JSON bodies; a route that is not here is sent an empty one.
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/issues": QUESTION,
    "POST /api/v1/tasks/{task_id}/hand-over": {"to": "<person:mate>"},
    "PUT /api/v1/tasks/{task_id}/draft": {"answers": {}},
    "POST /api/v1/sign-in/captcha/wait": {},
    "POST /api/v1/sign-in/code": {"phone": "13912345678"},
    "POST /api/v1/sign-in": {"phone": "13912345678", "code": "000000"},
    "POST /api/v1/me/membership": {"id": "<member:staff>"},
    "POST /api/v1/me/password": {"old": "wrong", "new": "wrong"},
    "POST /api/v1/me/phone/codes": {"phone": "13712345678"},
    "POST /api/v1/me/phone": {"phone": "13712345678", **CODES},
    "POST /api/v1/members": MEMBER,
    "PATCH /api/v1/members/{member_id}": {"position": "主管"},
    "DELETE /api/v1/members/{member_id}": {},
    "POST /api/v1/admin-offer": {"to": "<member:executive>", "roles": ["customs_affairs"]},
    "POST /api/v1/sign-in/lost-phone/code": {"phone": "13712345678"},
    "POST /api/v1/sign-in/lost-phone": {
        "name": "某人",
        "old_phone": "13912345678",
        "phone": "13712345678",
        "place": "某公司",
        "office": "2301",
        "code": "000000",
    },
    "POST /api/v1/card/challenge": {"purpose": "sign_in"},
    "POST /api/v1/sign-in/card": CARD,
    "POST /api/v1/registrations/card": CARD | CARD_PHONE,
    "POST /api/v1/registrations/card/request": CARD | CARD_PHONE,
    "POST /api/v1/me/cards": CARD,
    "POST /api/v1/me/cards/{card_id}/block": {"reason": "丢了。"},
    "POST /api/v1/enterprise/cards/{card_id}/block": {"reason": "丢了。"},
    "POST /api/v1/card-requests/{card_request_id}/decide": {"decision": "refuse", "reason": "没有核实身份。"},
    "PUT /api/v1/me/messages": {"off": {}, "quiet": None},
    "PUT /api/v1/me/mail": {"address": "wrong"},
    "POST /api/v1/me/mail/confirm": {"token": "wrong"},
    "POST /api/v1/phone-requests/{request_id}/decide": {"decision": "refuse", "reason": "没有核实身份。"},
}
# Fields of forms.
FORMS: dict[str, dict[str, Any]] = {
    "POST /sign-in/code": {"phone": "13912345678"},
    "POST /sign-in": {"challenge": "<session:staff>", "code": "000000"},
    "POST /sign-in/membership": {"membership": "<member:staff>"},
    "POST /account/password": {"old": "wrong", "new": "wrong", "again": "wrong"},
    "POST /account/phone/codes": {"phone": "13712345678"},
    "POST /account/phone": {
        "phone": "13712345678",
        "old_challenge": "<session:staff>",
        "new_challenge": "<session:staff>",
        **CODES,
    },
    "POST /sign-in/help": {
        "name": "某人",
        "old_phone": "13912345678",
        "phone": "13712345678",
        "place": "某公司",
        "office": "2301",
    },
    "POST /sign-in/help/send": {"challenge": "<session:staff>", "code": "000000"},
    "POST /account/mail": {"mail": "wrong"},
    "POST /account/mail/confirm": {"token": "wrong"},
    "POST /account/sessions/end": {"session_id": "<session:staff>"},
    "POST /sign-in/card": {"challenge": "<session:staff>", "token": "{}"},
    "POST /register/card": {"challenge": "<session:staff>", "token": "{}"},
    "POST /account/cards": {"challenge": "<session:staff>", "token": "{}"},
    "POST /account/cards/{card_id}/block": {"reason": "丢了。"},
    "POST /security/cards/{card_id}/block": {"reason": "丢了。"},
    "POST /card-requests/{card_request_id}": {"decision": "refuse", "reason": "没有核实身份。"},
    "POST /phone-requests/{request_id}": {"decision": "refuse", "reason": "没有核实身份。"},
    "POST /answer-templates/new": {"title": "新的", "text": "您好。"},
    "POST /answer-templates/{template_id}": {"title": "改过的", "text": "您好。"},
    "POST /tasks/claim": {"task": "<task:customs>"},
    "POST /tasks/{task_id}/hand-over": {"to": "<person:mate>"},
    "POST /issues/filters": {"name": "归类", "query": "q=归类"},
    "POST /issues/new": {**QUESTION, "act": "save", "idempotency_key": "once"},
    "POST /issues/new/draft": {**QUESTION, "idempotency_key": "once"},
    "POST /members/new": MEMBER,
    "POST /members/{member_id}": {"name": "新同事", "position": "主管", "roles": "customs_affairs"},
    "POST /members/{member_id}/leave": {"act": "remove"},
    "POST /members/import/add": {"lines": "[]"},
    "POST /members/hand-over": {"to": "<member:executive>", "roles": "customs_affairs"},
    "POST /admin-offer/{offer_id}": {"act": "decline"},
    "POST /system/offices": {"code": "2399", "name": "某关", "parent": "2300"},
    "POST /system/offices/{code}": {"name": "某关", "parent": "2300"},
    "POST /system/officers": {"name": "某人", "phone": "13712345678", "office": "2301"},
    "POST /system/officers/{officer_id}": {"name": "某人", "office": "2301"},
    "POST /system/lists/{list_name}": {"name": "新的类型"},
    "POST /system/lists/{list_name}/rename": {"code": "政策咨询", "name": "政策咨询服务"},
    "POST /system/lists/{list_name}/move": {"code": "业务办理", "way": "up"},
    "POST /system/lists/{list_name}/switch": {"code": "业务办理", "active": "false"},
    "POST /system/running/incidents/{incident_id}/settle": {"note": "已处理。"},
    "POST /security/roles/{officer_id}/give": {"role": "supervisor", "office": "2301"},
    "POST /security/roles/{officer_id}/take": {"role": "handler", "office": "2301"},
    "POST /security/enterprises/{enterprise_id}/suspend": {"reason": "测试"},
    "POST /w/bind": {"challenge": "<session:staff>", "code": "000000"},
    "POST /w/bind/code": {"phone": "13912345678"},
}
QUERIES = {
    "/sign-in/code": "?challenge=<session:staff>",
    "/wechat/signature": "?url=http://127.0.0.1:8000/w/issues/new",
}


def at_desk(path: str) -> str:
    """The page whose phone version this is; a path of the desk as it is."""
    return (path.removeprefix("/w") or "/") if path == "/w" or path.startswith("/w/") else path


def list_things(method: str, path: str) -> list[tuple[str, str]]:
    """The things this path is asked about, each with the path for it; the path itself when it names none."""
    for parameter, value in FIXED.items():
        path = path.replace(f"{{{parameter}}}", value)
    for parameter, (kind, names) in THINGS.items():
        if f"{{{parameter}}}" in path:
            asked = [name for name in names if method == "GET" or name not in ONLY_READ]
            return [(name, path.replace(f"{{{parameter}}}", f"<{kind}:{name}>")) for name in asked]
    return [("", path + QUERIES.get(at_desk(path), ""))]


def make_request(world: AccessWorld, method: str, path: str, thing: str) -> dict[str, Any]:
    """What is sent along."""
    route = f"{method} {path if f'{method} {path}' in FORMS else at_desk(path)}"
    if not path.startswith("/api/"):
        page: dict[str, Any] = {"headers": {"accept": "text/html"}}
        return page if method == "GET" else page | {"data": _fill(world, _form(world, route, thing))}
    if route == "POST /api/v1/attachments":
        return {"files": {"file": ("photo.png", PNG, "image/png")}}
    if method == "GET":
        return {}
    if route == "POST /api/v1/tasks/{task_id}/complete":
        return {"json": {"answers": ANSWERS[thing], "version": world.versions[thing]}}
    return {"json": _fill(world, BODIES.get(route, {}))}


def _form(world: AccessWorld, route: str, thing: str) -> dict[str, Any]:
    if route in ("POST /tasks/{task_id}", "POST /tasks/{task_id}/draft"):
        fields = {key: "on" if value is True else str(value) for key, value in ANSWERS[thing].items()}
        return {**fields, "version": str(world.versions[thing])}
    return FORMS.get(route, {})


def _fill(world: AccessWorld, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _fill(world, part) for key, part in value.items()}
    return fill(world, value) if isinstance(value, str) else value


def fill(world: AccessWorld, text: str) -> str:
    """The text with ids in place of names."""
    return re.sub(r"<(\w+:\w+)>", lambda found: world.ids[found[1]], text)

"""What somebody had typed into a form that was not taken, for the page that says why: nothing typed is lost because a session
ended, a right was taken away, another tab was faster or something broke. `api.security.check_csrf` keeps the form at hand.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from api.phone import desk_path
from api.wired import Wired
from tasks.fields import inputs

PRIVATE = ("/account/", "/sign-in", "/bind")
"""Forms with passwords and codes: nothing of them is ever put into a page again."""
DESK = ("/tasks", "/issues", "/register")
PEOPLE = ("/members", "/system/officers")
OURS = frozenset(
    {"csrf_token", "idempotency_key", "version", "act", "next", "lines", "query", "challenge", "token"}
)
"""What a page carries besides what was typed: sent again, but nothing to read."""
LABELS = {
    "name": "名称",
    "phone": "手机号码",
    "position": "职务",
    "title": "标题",
    "text": "内容",
    "description": "问题描述",
    "contact": "联系方式",
    "reason": "理由",
    "note": "处理情况",
    "days": "节假日",
    "source": "代码来源",
}
TEXTS = frozenset({"textfield", "textarea", "number"})
UNKNOWN = "您填写的内容"
LONG = 20  # from this length on a text is worth showing, even if nobody knows what it is called
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")


@dataclass(frozen=True)
class Typed:
    """`texts` to read, as pairs of a label and a text; `fields` to send again; names of `files` that have to be picked again."""

    texts: list[tuple[str, str]]
    fields: list[tuple[str, str]]
    files: list[str]


def find_typed(request: Request) -> Typed | None:
    """What this request's form says, if anybody typed anything into it."""
    form: FormData | None = getattr(request.state, "form", None)
    if form is None or desk_path(request).startswith(PRIVATE):
        return None
    values = form.multi_items()
    fields = [(key, value) for key, value in values if isinstance(value, str) and key != "csrf_token"]
    files = [value.filename for _, value in values if isinstance(value, UploadFile) and value.filename]
    texts = list(_texts(fields, _labels(request, {key for key, _ in fields})))
    return Typed(texts, fields, files) if texts or files else None


def _texts(fields: list[tuple[str, str]], labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in fields:
        if value.strip() and key in labels:
            yield labels[key], value
        elif len(value) > LONG and key not in OURS and not ID.fullmatch(value):
            yield UNKNOWN, value


def _labels(request: Request, keys: set[str]) -> dict[str, str]:
    """What the fields are called: on a task's page by its form, the one that has most of these keys."""
    path = desk_path(request)
    if not path.startswith(DESK):
        return LABELS | ({"name": "姓名"} if path.startswith(PEOPLE) else {})
    wired: Wired = request.app.state.wired
    forms = [form for parsed in wired.engine.catalogue.in_memory() for form in parsed.forms.values()]
    likeliest = max(forms, key=lambda form: len(keys & _names(form).keys()), default={"components": []})
    return LABELS | _names(likeliest)


def _names(form: Mapping[str, Any]) -> dict[str, str]:
    texts = (component for component, _ in inputs(form) if component["type"] in TEXTS)
    return {component["key"]: component.get("label", "") for component in texts}

"""The bodies of JSON answers: orjson, straight from closed answers, and RFC 9457 problems.

The routes declare the same shapes for OpenAPI; what they return is not validated a second time.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from starlette.responses import Response

from api.closed import Answer, answer, says

OPTIONS = orjson.OPT_NON_STR_KEYS


class Json(Response):
    """A JSON answer. Times come out as ISO 8601 with zone, ids as strings."""

    media_type = "application/json"

    def __init__(
        self,
        content: Answer | list[Any],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(content, status_code, headers)

    def render(self, content: Answer | list[Any]) -> bytes:
        """`content` as JSON; sets and the like become lists, everything else unknown is an error."""
        if not all(isinstance(one, Answer) for one in (content if isinstance(content, list) else [content])):
            raise TypeError("only closed answers go out as JSON")
        return orjson.dumps(content, default=_plain, option=OPTIONS)


@answer
class Problem(Answer):
    """RFC 9457 problem details. What a refusal does not know is left out; what is not named here is not told."""

    type: str = says("urn:qingling:<种类>，供程序判断")
    title: str = says("这一类问题的说明")
    status: int = says("HTTP 状态")
    detail: str = says("一句话，可以直接给人看")
    request_id: str | None = says("请求编号，报告问题时请附上")
    errors: dict[str, str] | None = says("逐项说明哪里有误，键是项名")
    field: str | None = says("说的是哪一项")
    retry_after_s: int | None = says("多少秒后再试")
    claimed_by: UUID | None = says("任务在谁名下（人员编号）")
    claimed_by_name: str | None = says("任务在谁名下（姓名）")
    claimed_at: datetime | None = says("何时认领")
    by_person: UUID | None = says("谁先办了（人员编号）")
    by_person_name: str | None = says("谁先办了（姓名）")
    at: datetime | None = says("何时")
    state: str | None = says("现在的状态")
    version: int | None = says("任务现在的 version")
    code: str | None = says("卡或 CAS 不被接受的原因，供程序判断")
    name: str | None = says("哪个文件")
    office: str | None = says("哪个海关单位")
    element: str | None = says("流程停在哪个元素")
    draft_kept: bool | None = says("所填内容已保存为草稿")
    signed_out: bool | None = says("已退出登录")


ALWAYS = ("type", "title", "status", "detail")
TOLD = frozenset(one.name for one in fields(Problem)) - frozenset(ALWAYS)


class ProblemJson(Response):
    """An RFC 9457 answer."""

    media_type = "application/problem+json"


def problem_body(status: int, kind: str, detail: str, *, title: str | None = None, **members: Any) -> bytes:
    """A problem as bytes; `kind` is what programs tell problems apart by (`type` is `urn:qingling:<kind>`). Of `members` those
    that Problem names go out."""
    problem = {
        "type": f"urn:qingling:{kind}",
        "title": title or detail,
        "status": status,
        "detail": detail,
        **{name: value for name, value in members.items() if name in TOLD},
    }
    return orjson.dumps(problem, default=str, option=OPTIONS)


def problem_schema() -> dict[str, Any]:
    """Problem as OpenAPI describes it: a member that is not known is left out, never null."""
    schema = TypeAdapter(Problem).json_schema(mode="serialization")
    for name, described in schema["properties"].items():
        if name in TOLD:
            kind = next(one for one in described.pop("anyOf", [{}]) if one != {"type": "null"})
            described |= kind
    schema["required"] = list(ALWAYS)
    return schema


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON answer")

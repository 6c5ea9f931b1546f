"""What people see when something cannot be done: what happened, who did it and when, what they had typed, and where to go on."""

from fastapi import Request
from starlette.responses import Response

from api.pages.render import draw
from api.pages.route import has_no_part
from api.phone import desk_path, stay
from api.security import browser_token
from api.typed import Typed, find_typed

ADVICE = {
    403: "如果您认为应当有权限，请联系本单位的管理员，或者换一个身份登录。",
    404: "网址可能不完整，或者内容不属于您现在代表的单位。",
    409: "没有任何改动。返回后可以看到最新的情况。",
    413: "请减小附件后再试。",
    429: "请稍等片刻再试。",
    500: "您可以稍后再试，填写过的草稿都已保存。",
    503: "请过一会儿刷新页面；没有提交成功的内容可以再次提交，不会重复。",
}
HEADINGS = {
    401: "登录已经结束",
    403: "没有权限",
    404: "没有找到这个页面",
    409: "没有办成：情况已有变化",
    413: "提交的内容太大",
    422: "提交的内容有误",
    429: "操作过于频繁",
    500: "系统出错了",
    503: "系统正忙",
}


def error_page(
    request: Request,
    status: int,
    title: str,
    detail: str,
    facts: list[tuple[str, str]] | None = None,
    *,
    again: bool = False,
    heading: str | None = None,
) -> Response:
    """The page for this status; `facts` are pairs of a name and what is known, such as who was first and when. What had been
    typed is shown; with `again` it may be sent once more, when the reason is gone."""
    typed = find_typed(request)
    way = _way_on(request, status)
    return draw(
        request,
        "error.html",
        status=status,
        title=heading or HEADINGS.get(status, title),
        heading=heading or HEADINGS.get(status, title),
        detail=detail,
        facts=facts or [],
        advice="" if typed or heading else ADVICE.get(status, ""),
        typed=typed,
        again=_again(request, typed) if again else None,
        go=way | {"address": stay(request, way["address"])},
    )


def _again(request: Request, typed: Typed | None) -> dict[str, str] | None:
    """Where the same is sent again, with a token that holds for this browser whoever signs in at it next."""
    if typed is None:
        return None
    query = f"?{request.url.query}" if request.url.query else ""
    return {"address": request.url.path + query, "token": browser_token(request)}


def _way_on(request: Request, status: int) -> dict[str, str]:
    path = desk_path(request)
    if has_no_part(request):
        return {"address": "/sign-in/membership", "name": "选择代表哪一家企业"}
    if status == 401:
        return {"address": "/sign-in", "name": "重新登录"}
    if path.startswith("/tasks"):
        return {"address": "/tasks", "name": "回到待办"}
    if path.startswith("/issues"):
        return {"address": "/issues", "name": "回到问题管理"}
    for start, name in (("/system", "系统管理"), ("/security", "安全管理")):
        if path.startswith(start):
            return {"address": "/".join(path.split("/")[:3]), "name": f"回到{name}"}
    return {"address": "/", "name": "返回首页"}

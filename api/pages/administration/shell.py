"""What all pages of administration share: the tabs of their section, the sentence after something was done, simple fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.pages.frame import Frame
from api.pages.render import draw
from tasks.fields import Field, Option

SYSTEM, SECURITY = "system_admin", "security_admin"
SECTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    SYSTEM: (
        ("机构", "/system/offices"),
        ("关员", "/system/officers"),
        ("列表", "/system/lists"),
        ("节假日", "/system/holidays"),
        ("消息", "/system/messages"),
        ("运行", "/system/running"),
    ),
    SECURITY: (
        ("关员权限", "/security/roles"),
        ("登录记录", "/security/sign-ins"),
        ("在线会话", "/security/sessions"),
        ("企业", "/security/enterprises"),
        ("卡", "/security/cards"),
    ),
}
COUNTED_FROM = 50  # letters: of shorter lines the page does not count them
TITLES = {SYSTEM: "系统管理", SECURITY: "安全管理"}
DONE = {
    "added": "已添加。",
    "saved": "已保存。",
    "closed": "已停用，从现在起不再接收新问题。",
    "reopened": "已恢复，可以接收新问题。",
    "disabled": "账号已停用，登录已全部退出。",
    "enabled": "账号已恢复，可以用原来的密码登录。",
    "given": "角色已授予，马上生效。",
    "taken": "角色已收回，马上生效。",
    "ended": "会话已结束。",
    "suspended": "已暂停使用，马上生效。",
    "lifted": "已恢复使用，马上生效。",
    "blocked": "已挂失，马上生效。",
    "unblocked": "已解除挂失，马上生效。",
    "retried": "已安排重试，几秒钟后刷新本页查看结果。",
    "seen": "已确认。告警在消息发通以后解除。",
    "settled": "已标记为已处理。",
    "hours": "已保存，未办结问题的期限正在按新的办公时间重新计算。",
    "moved": "已保存，未办结问题的期限正在按新的节假日重新计算。",
}


def draw_section(
    request: Request, template: str, frame: Frame, section: str, *, status: int = 200, **context: Any
) -> Response:
    """A page of a section, with its tabs; the tab whose address the page's begins with is the current one."""
    path = request.url.path
    tabs = [
        {"name": name, "address": address, "current": path == address or path.startswith(f"{address}/")}
        for name, address in SECTIONS[section]
    ]
    context.setdefault("errors", {})
    return draw(
        request,
        f"administration/{template}",
        status=status,
        frame=frame,
        tabs=tabs,
        section=TITLES[section],
        notice=tell_done(request.query_params),
        **context,
    )


def tell_done(query: Mapping[str, str]) -> str:
    """What was done just before, from the address; only numbers are taken over from there."""
    words = DONE.get(query.get("done", ""), "")
    for name, sentence in (
        ("returned", "已认领的 {} 件已退回待认领。"),
        ("left", "另有 {} 件指定由其本人办理，不能退回，请联系业务分析员。"),
        ("ended", "共结束 {} 个会话。"),
    ):
        number = query.get(name, "")
        if words and number.isdecimal() and len(number) < 7 and int(number):
            words += sentence.format(int(number))
    return words


def text_field(
    key: str, label: str, value: str = "", *, hint: str = "", required: bool = True, longest: int = 50
) -> Field:
    """One line to type."""
    rules: dict[str, Any] = {"maxLength": longest} if longest > COUNTED_FROM else {}
    if key == "phone":
        rules = {"validationType": "phone"}
    return Field(key, "textfield", label, hint, value, required, rules=rules)


def select_field(
    key: str,
    label: str,
    options: Iterable[tuple[str, str]],
    value: str = "",
    *,
    hint: str = "",
    required: bool = True,
) -> Field:
    """One of these pairs of a value and a label."""
    chosen = tuple(Option(code, name) for code, name in options)
    return Field(key, "select", label, hint, value, required, options=chosen)


def area_field(
    key: str, label: str, value: str = "", *, hint: str = "", required: bool = True, longest: int = 1000
) -> Field:
    """Several lines to type."""
    return Field(key, "textarea", label, hint, value, required, rules={"maxLength": longest})

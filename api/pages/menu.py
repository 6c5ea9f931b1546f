"""The menu of the masthead: one table, in the order people read it. A page that deserves an entry adds a row.

The entry whose address the page's own address begins with is the current one; the longest wins (新建 before 问题管理).
"""

from collections.abc import Collection
from dataclasses import dataclass

from domain.models.people import ADMINISTRATORS, ENTERPRISE_ROLES, OFFICER_ROLES

MEMBERS = frozenset(ENTERPRISE_ROLES)
OFFICERS = frozenset(OFFICER_ROLES) - frozenset(ADMINISTRATORS)  # administrators have no issues and no tasks


@dataclass(frozen=True)
class Entry:
    """One entry, for whoever has one of these roles. `counts_tasks`: it carries how many tasks wait; `to_act`: of no use to
    people who only read."""

    name: str
    address: str
    roles: frozenset[str]
    counts_tasks: bool = False
    to_act: bool = False


@dataclass(frozen=True)
class Item:
    """An entry as this page shows it."""

    name: str
    address: str
    counts_tasks: bool
    current: bool


MENU = (
    Entry("待办", "/tasks", MEMBERS | OFFICERS, counts_tasks=True),
    Entry("问题管理", "/issues", MEMBERS | OFFICERS),
    Entry("新建", "/issues/new", MEMBERS, to_act=True),
    Entry("用户管理", "/members", frozenset({"enterprise_admin"})),
    Entry("系统管理", "/system", frozenset({"system_admin"})),
    Entry("安全管理", "/security", frozenset({"security_admin"})),
    Entry("审计", "/audit", frozenset({"auditor"})),
    Entry("换手机号申请", "/phone-requests", frozenset({"registrar", "system_admin"})),
    Entry("绑卡申请", "/card-requests", frozenset({"registrar"})),
    Entry("企业注册", "/registrations", frozenset({"registrar", "supervisor"})),
)


def read_menu(roles: Collection[str], path: str, *, may_act: bool = True) -> list[Item]:
    """The entries for somebody with these roles who looks at this address."""
    mine = [entry for entry in MENU if entry.roles & set(roles) and (may_act or not entry.to_act)]
    around = [
        entry.address for entry in mine if path == entry.address or path.startswith(f"{entry.address}/")
    ]
    current = max(around, key=len, default=None)
    return [Item(entry.name, entry.address, entry.counts_tasks, entry.address == current) for entry in mine]


def first_address(roles: Collection[str]) -> str:
    """Where somebody with these roles begins: the issues for people of an enterprise, the first entry for officers."""
    if MEMBERS & set(roles):
        return "/issues"
    return next((entry.address for entry in MENU if entry.roles & set(roles)), "/tasks")

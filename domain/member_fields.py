"""What an enterprise admin types about a member: name, phone, position, roles. Checked here for the form, the API and the
Excel file alike."""

from collections.abc import Collection
from dataclasses import dataclass

from cleaning import clean_line, clean_name, is_plain
from domain.exceptions import MemberRefused
from domain.people import normalise_phone

GIVEN_ROLES = ("executive", "customs_affairs")
"""The roles an admin gives; the admin's own is handed over, never given."""
LONGEST_NAME = 30
LONGEST_POSITION = 50


@dataclass(frozen=True)
class MemberFields:
    """A new member as it will be stored: the phone as `+86…`, the roles in the order of the glossary."""

    name: str
    phone: str
    position: str
    roles: tuple[str, ...]


def check_member(name: str, phone: str, position: str, roles: Collection[str]) -> MemberFields:
    """The fields of a new member. Raises MemberRefused with a sentence for every field that is wrong."""
    errors: dict[str, str] = {}
    normal = normalise_phone(phone)
    if normal is None:
        errors["phone"] = "请填写 11 位手机号码。" if clean_line(phone) else "请填写“手机号码”。"
    given = order_roles(roles)
    if not given:
        errors["roles"] = "请选择“身份”：企业高管、关务人员，可以都选。"
    named, named_errors = _check_name(name)
    placed, placed_errors = _check_position(position)
    errors = named_errors | errors | placed_errors
    if errors or normal is None:
        raise MemberRefused(errors)
    return MemberFields(named, normal, placed, given)


def check_changes(
    name: str | None, position: str | None, roles: Collection[str] | None, *, is_admin: bool
) -> tuple[str | None, str | None, tuple[str, ...] | None]:
    """What changes about a member, None where nothing does. An admin may hold no other role; everybody else has one."""
    errors: dict[str, str] = {}
    if name is not None:
        name, found = _check_name(name)
        errors |= found
    if position is not None:
        position, found = _check_position(position)
        errors |= found
    given = None if roles is None else order_roles(roles)
    if given == () and not is_admin:
        errors["roles"] = "请选择“身份”：企业高管、关务人员，可以都选。"
    if errors:
        raise MemberRefused(errors)
    return name, position, given


def order_roles(roles: Collection[str]) -> tuple[str, ...]:
    """Those an admin may give, each once. Raises MemberRefused for any other."""
    if unknown := set(roles) - set(GIVEN_ROLES):
        raise MemberRefused({"roles": f"没有“{min(unknown)}”这种身份，只能是企业高管、关务人员。"})
    return tuple(role for role in GIVEN_ROLES if role in roles)


def _check_name(name: str) -> tuple[str, dict[str, str]]:
    name = clean_name(name)
    if not name:
        return name, {"name": "请填写“姓名”。"}
    if len(name) > LONGEST_NAME or not is_plain(name):
        return name, {"name": f"“姓名”最多 {LONGEST_NAME} 个字，不能有特殊符号。"}
    return name, {}


def _check_position(position: str) -> tuple[str, dict[str, str]]:
    position = clean_name(position)
    if len(position) > LONGEST_POSITION or not is_plain(position):
        return position, {"position": f"“职务”最多 {LONGEST_POSITION} 个字，不能有特殊符号。"}
    return position, {}

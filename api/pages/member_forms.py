"""The fields of the forms about members, drawn by the same macros as the forms of tasks."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from starlette.datastructures import FormData

from api.pages.wording import ROLE_NAMES, role_names
from cleaning import clean_identifier, clean_name
from domain.member_fields import GIVEN_ROLES, LONGEST_NAME, LONGEST_POSITION
from domain.members import Member
from tasks.fields import Field, Option

ROLE_OPTIONS = tuple(Option(role, ROLE_NAMES[role]) for role in GIVEN_ROLES)
ROLE_HINT = "企业高管审核问题并提交海关；关务人员提出问题。可以都选。"


def person_fields(values: Mapping[str, Any], *, with_phone: bool, roles_required: bool) -> list[Field]:
    """Name, phone (of a new member only), position, roles."""
    shown = [
        Field(
            "name",
            "textfield",
            "姓名",
            hint=f"在本企业使用的姓名，最多 {LONGEST_NAME} 个字。",
            value=values.get("name", ""),
            required=True,
        )
    ]
    if with_phone:
        shown.append(
            Field(
                "phone",
                "textfield",
                "手机号码",
                hint="用这个号码和短信验证码登录。添加以后只有本人可以更换。",
                value=values.get("phone", ""),
                required=True,
                rules={"validationType": "phone"},
            )
        )
    shown += [
        Field(
            "position",
            "textfield",
            "职务",
            hint=f"例如：总经理、关务经理。最多 {LONGEST_POSITION} 个字。",
            value=values.get("position", ""),
        ),
        roles_field(values.get("roles", ()), required=roles_required),
    ]
    return shown


def roles_field(
    chosen: Collection[str], *, required: bool, label: str = "身份", hint: str = ROLE_HINT
) -> Field:
    """Which of the two roles."""
    return Field(
        "roles",
        "checklist",
        label,
        hint=hint,
        value=list(chosen),
        required=required,
        options=ROLE_OPTIONS,
    )


def heir_field(
    key: str, label: str, hint: str, candidates: Iterable[Member], chosen: str, *, required: bool
) -> Field:
    """Who takes something over."""
    return Field(
        key,
        "select",
        label,
        hint=hint,
        value=chosen,
        required=required,
        options=tuple(Option(str(one.id), name_in_list(one)) for one in candidates),
    )


def name_in_list(member: Member) -> str:
    """A member where several stand in a list: the end of the phone tells namesakes apart."""
    return f"{member.name}（{member.position or role_names(member.roles)}，尾号 {member.phone[-4:]}）"


def read_person(form: FormData) -> dict[str, Any]:
    """What was posted about a member, as texts; the blank that stands for no role is left out."""
    values: dict[str, Any] = {key: clean_name(_text(form, key)) for key in ("name", "position", "reviews_to")}
    values["phone"] = clean_identifier(_text(form, "phone"))
    values["roles"] = [role for role in form.getlist("roles") if isinstance(role, str) and role]
    return values


def _text(form: FormData, key: str) -> str:
    value = form.get(key)
    return value.replace("\0", "") if isinstance(value, str) else ""

"""用户管理: the enterprise admin's page of executives and customs-affairs staff: the list, adding one, changing one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.pages.frame import frame_of
from api.pages.member_forms import heir_field, person_fields, read_person
from api.pages.render import draw, go_to
from api.pages.route import page_router
from api.pages.wording import ROLE_NAMES
from domain.actor import Actor
from domain.admin_offers import find_offer_from
from domain.exceptions import MemberRefused, MemberUnknown
from domain.member_fields import GIVEN_ROLES, check_member
from domain.members import Member, add_member, get_member, list_members, resume_member
from tasks import leavers
from tasks.exceptions import WorkNotPlaced
from tasks.fields import Field

router = page_router()
ADMIN = "enterprise_admin"
TABS = GIVEN_ROLES
SAID = {
    "added": "已添加{name}，现在就可以用手机号码登录。",
    "changed": "已保存{name}的信息。",
    "suspended": "已停用{name}，{name}已经不能再代表本企业办事。",
    "resumed": "已恢复{name}，现在就可以登录。",
    "removed": "已移除{name}。",
    "moved": "已移交{name}名下没有办结的问题。",
    "offered": "已请{name}接任企业管理员，对方接受以后生效。",
    "kept": "已取消移交，您仍是企业管理员。",
}
STATES = {"active": "在用", "suspended": "已停用", "removed": "已移除"}
Said = Annotated[str, Query(max_length=20)]


@router.get("/members", dependencies=[allow(ADMIN)])
async def show_members(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    tab: Annotated[str, Query(max_length=40)] = "",
    said: Said = "",
    member: UUID | None = None,
    issues: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:
    """The list, by role; what has just been done stands above it."""
    enterprise_id = enterprise_of(actor)
    everybody = await list_members(session, enterprise_id)
    chosen = tab if tab in TABS else TABS[0]
    left = await leavers.count_left_behind(session, enterprise_id)
    return draw(
        request,
        "members.html",
        frame=await frame_of(session, actor),
        waiting=actor.enterprise_status not in ("approved", "suspended"),
        tab=chosen,
        tab_name=ROLE_NAMES[chosen],
        tab_items=_tabs(everybody, chosen),
        members=[one for one in everybody if chosen in one.roles],
        admins=[one for one in everybody if one.is_admin],
        executives=sum("executive" in one.roles and one.state == "active" for one in everybody),
        me=actor.membership_id,
        offer=await find_offer_from(session, actor),
        left=[(await get_member(session, enterprise_id, id_), count) for id_, count in left.items()],
        said=await _say(session, enterprise_id, said, member, issues),
        states=STATES,
    )


@router.get("/members/new", dependencies=[allow(ADMIN, to_change=True)])
async def show_new(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    role: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The empty form, with the role of the tab one came from."""
    values = {"roles": [role] if role in TABS else []}
    return await _draw_new(request, session, actor, values, {})


@router.post("/members/new", dependencies=[allow(ADMIN)])
async def send_new(request: Request, session: SessionDep, actor: ActorDep, now: NowDep) -> Response:
    """Add one; the list of their role says so."""
    values = read_person(await request.form())
    try:
        fields = check_member(values["name"], values["phone"], values["position"], values["roles"])
        added = await add_member(session, actor, fields, now)
    except MemberRefused as refusal:
        await session.rollback()
        return await _draw_new(request, session, actor, values, refusal.errors or {"form": refusal.message})
    return go_to(f"/members?tab={added.given_roles[0]}&said=added&member={added.id}")


@router.get("/members/{member_id}", dependencies=[allow(ADMIN)])
async def show_member(request: Request, session: SessionDep, actor: ActorDep, member_id: UUID) -> Response:
    """One member, to change, and what else may be done."""
    member = await get_member(session, enterprise_of(actor), member_id)
    values = {"name": member.name, "position": member.position, "roles": member.given_roles}
    return await _draw_member(request, session, actor, member, values, {})


@router.post("/members/{member_id}", dependencies=[allow(ADMIN)])
async def send_member(
    request: Request,
    session: SessionDep,
    engine: EngineDep,
    actor: ActorDep,
    now: NowDep,
    member_id: UUID,
) -> Response:
    """Change name, position, roles. Who is no executive any more gives their reviews to another one."""
    values = read_person(await request.form())
    try:
        changed = await leavers.change_member(
            session,
            engine,
            actor,
            member_id,
            name=values["name"],
            position=values["position"],
            roles=values["roles"],
            reviews_to=read_id(values["reviews_to"]),
            now=now,
        )
    except (MemberRefused, WorkNotPlaced) as refusal:
        await session.rollback()
        member = await get_member(session, enterprise_of(actor), member_id)
        return await _draw_member(request, session, actor, member, values, refusal.errors)
    tab = next((role for role in TABS if role in changed.roles), TABS[0])
    return go_to(f"/members?tab={tab}&said=changed&member={changed.id}")


@router.post("/members/{member_id}/resume", dependencies=[allow(ADMIN)])
async def send_resume(session: SessionDep, actor: ActorDep, now: NowDep, member_id: UUID) -> Response:
    """Usable again."""
    member = await resume_member(session, actor, member_id, now)
    tab = next((role for role in TABS if role in member.roles), TABS[0])
    return go_to(f"/members?tab={tab}&said=resumed&member={member.id}")


def enterprise_of(actor: Actor) -> UUID:
    """The enterprise of an admin: `allow` has let nobody else through."""
    assert actor.enterprise_id is not None
    return actor.enterprise_id


def read_id(text: str) -> UUID | None:
    """The member that was chosen; what is no id names nobody and is refused as such."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return UUID(int=0)


def _tabs(everybody: Sequence[Member], chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "name": ROLE_NAMES[role],
            "address": f"/members?tab={role}",
            "count": sum(role in one.roles for one in everybody),
            "current": role == chosen,
        }
        for role in TABS
    ]


async def _say(
    session: AsyncSession, enterprise_id: UUID, said: str, member_id: UUID | None, issues: int
) -> str:
    """What was done, by a word in the address; nothing for a word or a member there is not."""
    words = SAID.get(said, "")
    if "{name}" in words:
        try:
            words = words.format(
                name=(await get_member(session, enterprise_id, member_id or UUID(int=0))).name
            )
        except MemberUnknown:
            return ""
    return words + (f"{issues} 件没有办结的问题已经移交。" if words and issues else "")


async def _draw_new(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
) -> Response:
    shown = person_fields(values, with_phone=True, roles_required=True)
    return draw(
        request,
        "member_new.html",
        status=422 if errors else 200,
        frame=await frame_of(session, actor),
        fields=shown,
        labels=[one.key for one in shown],
        errors=errors,
        waiting=actor.enterprise_status not in ("approved", "suspended"),
    )


async def _draw_member(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    member: Member,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
) -> Response:
    enterprise_id = enterprise_of(actor)
    shown = person_fields(values, with_phone=False, roles_required=not member.is_admin)
    work = await leavers.list_work(session, member, enterprise_id)
    if any(item.is_review for item in work) and "executive" in member.roles:
        shown.append(await _reviews_field(session, enterprise_id, member, values, "reviews_to" in errors))
    everybody = await list_members(session, enterprise_id)
    others = [one for one in everybody if one.is_admin and one.state == "active" and one.id != member.id]
    return draw(
        request,
        "member.html",
        status=422 if errors else 200,
        frame=await frame_of(session, actor),
        member=member,
        state=STATES[member.state],
        roles=[ROLE_NAMES[role] for role in ROLE_NAMES if role in member.roles],
        work=work,
        is_last_admin=member.is_admin and member.state == "active" and not others,
        is_me=member.id == actor.membership_id,
        fields=shown,
        labels=[one.key for one in shown],
        errors=errors,
    )


async def _reviews_field(
    session: AsyncSession, enterprise_id: UUID, member: Member, values: Mapping[str, Any], required: bool
) -> Field:
    others = [
        one
        for one in await list_members(session, enterprise_id)
        if "executive" in one.roles and one.state == "active" and one.id != member.id
    ]
    return heir_field(
        "reviews_to",
        "审核的问题由谁接手",
        "只在取消“企业高管”身份时需要选择。",
        others,
        values.get("reviews_to", ""),
        required=required,
    )

"""用户管理 for programs: an enterprise's members, kept by its admin. Ids are those of memberships; another enterprise's
member does not exist."""

import asyncio
from typing import Annotated, Literal

from fastapi import File, Form, Query, UploadFile
from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, EngineDep, NowDep, SessionDep, allow
from api.json.ids import parse_id
from api.json.parameters import MemberId, OfferId
from api.json.route import json_router, problems
from api.json.schemas.members import (
    ImportLineOut,
    ImportOut,
    Leaving,
    MemberBody,
    MemberChanges,
    MemberList,
    MemberOut,
    OfferBody,
    OfferOut,
    OfferToMe,
    WorkItemOut,
    WorkList,
)
from api.json.schemas.tasks import BriefIssue
from domain import admin_offers, members
from domain.admin_offers import Offer
from domain.member_fields import check_member
from domain.member_import import ImportLine, add_lines, check_lines, read_lines, write_template
from domain.members import Member
from domain.sheets import LARGEST_FILE
from tasks import admin_offers as offers
from tasks import leavers

router = json_router("用户管理")
ADMIN = "enterprise_admin"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEMBERS = ("enterprise_admin", "executive", "customs_affairs")
Heir = Annotated[str | None, Query(max_length=64, description="由哪位用户接手（成员编号）")]


@router.get("/members", response_model=MemberList, summary="本企业的用户", dependencies=[allow(ADMIN)])
async def list_members(actor: ActorDep, session: SessionDep) -> Response:
    """Everybody, suspended ones included, in the order they joined."""
    assert actor.enterprise_id is not None
    found = await members.list_members(session, actor.enterprise_id)
    return Json(MemberList(items=[show_member(one) for one in found]))


@router.post(
    "/members", status_code=201, response_model=MemberOut, summary="添加用户", dependencies=[allow(ADMIN)]
)
async def add_member(body: MemberBody, actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """Usable at once, also while the enterprise waits for its approval. The answer is the same for every phone."""
    fields = check_member(body.name, body.phone, body.position, body.roles)
    return Json(show_member(await members.add_member(session, actor, fields, now)), 201)


@router.get(
    "/members/template",
    summary="导入用户的 Excel 模板",
    dependencies=[allow(ADMIN)],
    response_class=Response,
    responses={200: {"content": {XLSX: {}}, "description": "xlsx"}},
)
async def download_template() -> Response:
    """The file to fill in."""
    return Response(await asyncio.to_thread(write_template), media_type=XLSX)


@router.post(
    "/members/import", response_model=ImportOut, summary="从 Excel 导入用户", dependencies=[allow(ADMIN)]
)
async def import_members(
    file: Annotated[UploadFile, File(description="填好的模板（.xlsx）")],
    actor: ActorDep,
    session: SessionDep,
    now: NowDep,
    add: Annotated[
        Literal["none", "all", "right"],
        Form(description="只检查；全部正确才添加；只添加正确的行"),
    ] = "none",
) -> Response:
    """A report line by line. Nothing is added unless asked for; with `all` nobody is while any line is wrong."""
    lines = await asyncio.to_thread(read_lines, await file.read(LARGEST_FILE + 1))
    assert actor.enterprise_id is not None
    if add == "none":
        report, added = await check_lines(session, actor.enterprise_id, lines), 0
    else:
        report, added = await add_lines(session, actor, lines, now, only_right=add == "right")
    return Json(ImportOut(lines=[show_line(one) for one in report.lines], added=added))


@router.get("/members/{member_id}", response_model=MemberOut, summary="一位用户", dependencies=[allow(ADMIN)])
async def show_one(member_id: MemberId, actor: ActorDep, session: SessionDep) -> Response:
    """One member of my enterprise."""
    assert actor.enterprise_id is not None
    return Json(show_member(await members.get_member(session, actor.enterprise_id, parse_id(member_id))))


@router.patch(
    "/members/{member_id}", response_model=MemberOut, summary="修改用户", dependencies=[allow(ADMIN)]
)
async def change_member(
    member_id: MemberId,
    body: MemberChanges,
    actor: ActorDep,
    session: SessionDep,
    engine: EngineDep,
    now: NowDep,
) -> Response:
    """What is left out stays. A phone is changed by its owner only. Who is no executive any more gives open reviews away."""
    changed = await leavers.change_member(
        session,
        engine,
        actor,
        parse_id(member_id),
        name=body.name,
        position=body.position,
        roles=body.roles,
        reviews_to=parse_id(body.reviews_to) if body.reviews_to else None,
        now=now,
    )
    return Json(show_member(changed))


@router.get(
    "/members/{member_id}/work",
    response_model=WorkList,
    summary="这位用户还没有办结的问题",
    dependencies=[allow(ADMIN)],
)
async def list_work(member_id: MemberId, actor: ActorDep, session: SessionDep) -> Response:
    """What has to go to somebody before this member may be removed; `review` tells what only an executive may take over."""
    assert actor.enterprise_id is not None
    member = await members.get_member(session, actor.enterprise_id, parse_id(member_id))
    items = await leavers.list_work(session, member, actor.enterprise_id)
    return Json(WorkList(items=[show_work(one) for one in items]))


@router.delete("/members/{member_id}", status_code=204, summary="移除用户", dependencies=[allow(ADMIN)])
async def remove_member(
    member_id: MemberId,
    actor: ActorDep,
    session: SessionDep,
    engine: EngineDep,
    now: NowDep,
    work_to: Heir = None,
    reviews_to: Heir = None,
) -> Response:
    """Out at once; open work goes to these members, and must go to somebody. Once more: nothing changes."""
    await leavers.remove_member(
        session,
        engine,
        actor,
        parse_id(member_id),
        work_to=parse_id(work_to) if work_to else None,
        reviews_to=parse_id(reviews_to) if reviews_to else None,
        now=now,
    )
    return Response(status_code=204)


@router.post(
    "/members/{member_id}/suspend",
    response_model=MemberOut,
    summary="停用用户",
    dependencies=[allow(ADMIN)],
)
async def suspend_member(
    member_id: MemberId,
    body: Leaving,
    actor: ActorDep,
    session: SessionDep,
    engine: EngineDep,
    now: NowDep,
) -> Response:
    """Out at once, until resumed; open work goes to these members, or waits where nobody is named. Once more: only that."""
    id_ = parse_id(member_id)
    await leavers.suspend_member(
        session,
        engine,
        actor,
        id_,
        work_to=parse_id(body.work_to) if body.work_to else None,
        reviews_to=parse_id(body.reviews_to) if body.reviews_to else None,
        now=now,
    )
    assert actor.enterprise_id is not None
    return Json(show_member(await members.get_member(session, actor.enterprise_id, id_)))


@router.post(
    "/members/{member_id}/resume",
    response_model=MemberOut,
    summary="恢复用户",
    dependencies=[allow(ADMIN)],
)
async def resume_member(member_id: MemberId, actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """Usable again."""
    return Json(show_member(await members.resume_member(session, actor, parse_id(member_id), now)))


@router.post(
    "/admin-offer",
    status_code=201,
    response_model=OfferOut,
    responses=problems(404),
    summary="移交企业管理员",
    dependencies=[allow(ADMIN)],
)
async def offer_admin(body: OfferBody, actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """Ask a member to be the admin; the role moves when they accept. An earlier open offer is replaced."""
    offer = await offers.offer_admin(session, actor, parse_id(body.to), body.roles, now)
    return Json(show_offer(offer), 201)


@router.delete("/admin-offer", status_code=204, summary="取消移交企业管理员", dependencies=[allow(ADMIN)])
async def cancel_offer(actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """Only while it has not been answered."""
    await admin_offers.cancel_offer(session, actor, now)
    return Response(status_code=204)


@router.get(
    "/me/admin-offer",
    response_model=OfferToMe,
    summary="请我接任企业管理员",
    dependencies=[allow(*MEMBERS)],
)
async def show_offer_to_me(actor: ActorDep, session: SessionDep) -> Response:
    """The open offer to me, or null."""
    offer = await admin_offers.find_offer_to(session, actor)
    return Json(OfferToMe(offer=show_offer(offer) if offer else None))


@router.post(
    "/me/admin-offer/{offer_id}/accept",
    status_code=204,
    summary="接任企业管理员",
    dependencies=[allow(*MEMBERS)],
)
async def accept_offer(
    offer_id: OfferId, actor: ActorDep, session: SessionDep, engine: EngineDep, now: NowDep
) -> Response:
    """I am the admin from now on."""
    await offers.accept_offer(session, engine, actor, parse_id(offer_id), now)
    return Response(status_code=204)


@router.post(
    "/me/admin-offer/{offer_id}/decline",
    status_code=204,
    summary="不接任企业管理员",
    dependencies=[allow(*MEMBERS)],
)
async def decline_offer(offer_id: OfferId, actor: ActorDep, session: SessionDep, now: NowDep) -> Response:
    """Everything stays as it is."""
    await admin_offers.decline_offer(session, actor, parse_id(offer_id), now)
    return Response(status_code=204)


def show_member(member: Member) -> MemberOut:
    """A member as the API shows one."""
    return MemberOut(
        id=member.id,
        person_id=member.person_id,
        name=member.name,
        phone=member.phone,
        position=member.position,
        roles=list(member.roles),
        state=member.state,
        created_at=member.created_at,
    )


def show_line(line: ImportLine) -> ImportLineOut:
    """A line of a file, and what is wrong with it."""
    return ImportLineOut(
        line=line.line,
        name=line.name,
        phone=line.phone,
        position=line.position,
        roles=line.roles,
        errors=dict(line.errors),
    )


def show_work(item: leavers.WorkItem) -> WorkItemOut:
    """An issue that has to go to somebody else."""
    return WorkItemOut(
        issue=BriefIssue(id=item.issue_id, number=item.number, title=item.title, status=item.status),
        review=item.is_review,
        tasks=list(item.tasks),
    )


def show_offer(offer: Offer) -> OfferOut:
    """An open offer of the admin's role."""
    return OfferOut(
        id=offer.id,
        from_name=offer.from_name,
        to=offer.to_id,
        to_name=offer.to_name,
        enterprise=offer.enterprise_name,
        roles=list(offer.kept_roles),
        offered_at=offer.offered_at,
    )

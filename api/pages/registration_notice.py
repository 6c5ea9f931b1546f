"""What stands on top of the pages of an enterprise that is not registered yet: where its registration stands, why, and what may
be done meanwhile. One statement more, for these enterprises only."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from api.pages.wording import due_day, point_at_due
from domain.actor import Actor
from domain.models import Registration
from tasks.registrations import find_mine, name_office

UNTIL_THEN = "审核通过以前，本企业还不能向海关提出问题。"


@dataclass(frozen=True)
class RegistrationNotice:
    """The state in a few words, the reason where there is one, and where to go."""

    level: str
    title: str
    words: str
    reason: str = ""
    address: str = ""
    link: str = ""


async def tell_registration(session: AsyncSession, actor: Actor) -> RegistrationNotice | None:
    """The notice for a member of such an enterprise; None for everybody else. The reason is the admin's to read."""
    if actor.enterprise_id is None or actor.enterprise_status in ("approved", "suspended"):
        return None
    registration = await find_mine(session, actor)
    is_admin = "enterprise_admin" in actor.roles
    notice = await _tell(session, actor.enterprise_status, registration, is_admin)
    if registration is None or not is_admin:
        return RegistrationNotice(notice.level, notice.title, notice.words)
    address = f"/registrations/{registration.id}"
    return RegistrationNotice(
        notice.level, notice.title, notice.words, notice.reason, address, notice.link or "查看注册申请"
    )


async def _tell(
    session: AsyncSession, status: str | None, registration: Registration | None, is_admin: bool
) -> RegistrationNotice:
    reason = registration.reason if registration else ""
    meanwhile = "现在可以先在“用户管理”中添加企业高管和关务人员。" if is_admin else ""
    match status:
        case "returned":
            words = "请修改后再次提交。" if is_admin else "等待企业管理员修改后再次提交。"
            title = "企业注册已退回"
            return RegistrationNotice("warn", title, words + UNTIL_THEN, reason, link="查看并修改")
        case "refused":
            words = "本企业不能使用提问功能。如有疑问请拨打 12360；情况有变化的，可以重新注册。"
            return RegistrationNotice("stop", "企业注册未通过", words, reason)
        case "superseded":
            words = "需要使用系统的，请联系本企业的企业管理员添加。"
            return RegistrationNotice("warn", "这家企业已由另一份申请注册", words)
        case _ if registration is not None and registration.due_at is not None:
            office = await name_office(session, registration.office)
            words = f"{office}的审核期限是 {due_day(registration.due_at)}。{UNTIL_THEN}{meanwhile}"
            return RegistrationNotice("info", "企业注册待审核", point_at_due(words, registration.due_at))
        case _:
            return RegistrationNotice("info", "企业注册待审核", UNTIL_THEN + meanwhile)

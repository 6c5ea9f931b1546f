"""Before there is a registration: the phone proved, what was typed kept for a day, files for one challenge."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import applications
from domain.attachments import UNCLAIMED_AFTER, sweep_orphans
from domain.code_limits import CodeLimits
from domain.codes import ask_code
from domain.exceptions import AttachmentRefused, CodeRefused
from domain.files.store import FolderStore
from domain.models import Attachment, Enterprise, Registration, RegistrationDraft, SignInChallenge
from domain.people import list_memberships
from domain.registrations import find_superseded, take_uscc
from tests.domain.conftest import Pigeons
from tests.domain.files.samples import ofd, pdf

PDF = pdf()
PHONE = "+8613712345678"


class Desk:
    """One browser that applies."""

    def __init__(self, session: AsyncSession, limits: CodeLimits, pigeons: Pigeons, now: datetime) -> None:
        self.session, self.limits, self.pigeons, self.now = session, limits, pigeons, now

    async def ask(self, browser: str = "browser", purpose: str = applications.PURPOSE) -> Any:
        return await ask_code(
            self.session,
            PHONE,
            purpose=purpose,
            browser_key=browser,
            ip=None,
            limits=self.limits,
            send_code=self.pigeons,
            now=self.now,
        )

    async def prove(
        self, challenge: Any, code: str | None = None, browser: str = "browser"
    ) -> SignInChallenge:
        return await applications.prove_phone(
            self.session,
            challenge,
            PHONE,
            code or self.pigeons.code,
            browser_key=browser,
            limits=self.limits,
            now=self.now,
        )

    async def upload(self, store: FolderStore, challenge: SignInChallenge, data: bytes = PDF) -> Attachment:
        file = await applications.read_licence(None, "执照.pdf", data, 1000)
        return await applications.add_licence(self.session, store, file, challenge, self.now)


@pytest.fixture
def desk(session: AsyncSession, limits: CodeLimits, pigeons: Pigeons, now: datetime) -> Desk:
    return Desk(session, limits, pigeons, now)


async def test_a_code_goes_to_a_phone_nobody_has_and_opens_one_application(desk: Desk) -> None:
    challenge = await desk.ask()
    with pytest.raises(CodeRefused):
        await desk.prove(challenge, browser="another")
    proved = await desk.prove(challenge)
    assert proved.used_at == desk.now
    with pytest.raises(CodeRefused):
        await desk.prove(challenge)
    draft = await applications.open_draft(desk.session, proved, desk.now)
    applications.save_answers(draft, {"name": "某公司"}, desk.now)
    found = await applications.find_draft(desk.session, proved.id, desk.now)
    assert found is not None and found.answers == {"name": "某公司"}


async def test_a_sign_in_code_opens_nothing(desk: Desk, world: Any) -> None:
    person = await world.person()
    person.phone = PHONE
    await desk.session.flush()
    challenge = await desk.ask(purpose="sign_in")
    with pytest.raises(CodeRefused):
        await desk.prove(challenge)
    assert await applications.find_challenge(desk.session, challenge, "browser") is None


async def test_five_wrong_tries_burn_the_code(desk: Desk) -> None:
    challenge = await desk.ask()
    wrong = f"{(int(desk.pigeons.code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        with pytest.raises(CodeRefused):
            await desk.prove(challenge, wrong)
    with pytest.raises(CodeRefused):
        await desk.prove(challenge)


async def test_the_same_code_again_is_told_from_a_guess(desk: Desk) -> None:
    proved = await desk.prove(await desk.ask())
    code, limits, now = desk.pigeons.code, desk.limits, desk.now
    applications.require_same_code(proved, "137 1234 5678", f" {code} ", limits=limits, now=now)
    for phone, tried in (("13712345679", code), (PHONE, f"{(int(code) + 1) % 1_000_000:06d}")):
        with pytest.raises(CodeRefused):
            applications.require_same_code(proved, phone, tried, limits=limits, now=now)
    assert proved.tries == 2
    proved.tries = limits.tries
    with pytest.raises(CodeRefused):
        applications.require_same_code(proved, PHONE, code, limits=limits, now=now)


async def test_what_was_typed_is_kept_for_a_day(desk: Desk) -> None:
    proved = await desk.prove(await desk.ask())
    await applications.open_draft(desk.session, proved, desk.now)
    desk.now += timedelta(hours=23)
    assert await applications.find_draft(desk.session, proved.id, desk.now) is not None
    desk.now += timedelta(hours=2)
    assert await applications.find_draft(desk.session, proved.id, desk.now) is None
    await applications.sweep_applications(desk.session, desk.now)
    assert (await desk.session.scalars(select(col(RegistrationDraft.challenge_id)))).all() == []


async def test_files_come_in_while_the_challenge_lives_and_go_when_nobody_used_them(
    desk: Desk, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path)
    challenge = await desk.session.get_one(SignInChallenge, await desk.ask())
    with pytest.raises(AttachmentRefused, match="只能上传图片或PDF"):
        await desk.upload(store, challenge, ofd())
    kept, loose = await desk.upload(store, challenge), await desk.upload(store, challenge)
    assert (kept.uploader_id, kept.challenge_id) == (None, challenge.id)
    desk.now += timedelta(minutes=6)
    with pytest.raises(AttachmentRefused, match="过期"):
        await desk.upload(store, challenge)
    kept.instance_id = challenge.id
    await desk.session.flush()
    desk.now += UNCLAIMED_AFTER
    assert await sweep_orphans(desk.session, store, desk.now) == 1
    assert set(await desk.session.scalars(select(col(Attachment.id)))) == {kept.id}
    assert loose.id != kept.id


async def test_a_uscc_is_taken_once(session: AsyncSession, world: Any) -> None:
    first, second, third = [await world.enterprise("pending") for _ in range(3)]
    second.uscc = third.uscc = first.uscc
    third.status = "suspended"
    await session.flush()
    assert not await take_uscc(session, first.id), "a suspended enterprise keeps its code"
    await session.refresh(first)
    third.status = "refused"
    await session.flush()
    assert await take_uscc(session, first.id)
    assert not await take_uscc(session, second.id)
    await session.refresh(second)
    assert second.status == "pending"


async def test_superseded_are_the_open_ones_of_a_registered_uscc(session: AsyncSession, world: Any) -> None:
    async def apply(status: str, uscc: str) -> Registration:
        enterprise: Enterprise = await world.enterprise(status)
        enterprise.uscc = uscc
        member = await world.member(enterprise, "enterprise_admin")
        registration = Registration(
            id=enterprise.id,
            number=enterprise.id.hex,
            enterprise_id=enterprise.id,
            applicant_id=member.person_id,
            route="web",
            office="2301",
            created_at=world.now,
        )
        session.add(registration)
        await session.flush()
        return registration

    await apply("approved", "ONE")
    waiting, returned = await apply("pending", "ONE"), await apply("returned", "ONE")
    await apply("refused", "ONE")
    await apply("pending", "TWO")
    assert await find_superseded(session, "ONE") == sorted([waiting.id, returned.id])
    assert await find_superseded(session) == sorted([waiting.id, returned.id])
    assert await find_superseded(session, "TWO") == []


@pytest.mark.parametrize(
    ("status", "role", "listed"),
    [
        ("pending", "executive", True),
        ("returned", "customs_affairs", True),
        ("refused", "enterprise_admin", True),
        ("superseded", "enterprise_admin", True),
        ("refused", "executive", False),
        ("superseded", "customs_affairs", False),
    ],
)
async def test_who_may_act_for_an_enterprise_that_is_not_registered(
    session: AsyncSession, world: Any, status: str, role: str, listed: bool
) -> None:
    member = await world.member(await world.enterprise(status), role)
    found = await list_memberships(session, member.person_id)
    assert [one.enterprise_status for one in found] == ([status] if listed else [])

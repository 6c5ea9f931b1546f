"""The registration pages without any script: steps that cannot be skipped, mistakes that lose nothing, what each side reads."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.api.applying import add_applicant
from tests.api.test_captcha import with_captcha
from tests.api.test_json_life import PNG
from tests.api.test_registrations import PDF, relax, review
from tests.pages.conftest import Visitor, World
from tests.pages.test_sign_in import look
from tests.tasks.applicants import make_uscc

TYPED = {
    "name": "苏州<b>恒川</b>有限公司",
    "customs_code": "3205960Q11",
    "address": "",
    "legal_person": "方远",
    "contact": "江琴",
    "office": "2301",
}


async def reach_form(world: World) -> tuple[Visitor, str]:
    """A visitor who has proved a phone; and where their form is."""
    applicant = add_applicant(world)
    visitor = Visitor(applicant.client)
    await visitor.open("/register/phone")
    await visitor.send("/register/phone", {"phone": applicant.phone})
    assert "填写验证码" in visitor.html
    address = visitor.address.removesuffix("/code")
    await visitor.send(visitor.address, {"code": applicant.pigeons.code})
    assert visitor.address == address and "填写企业信息" in visitor.html
    return visitor, address


async def fill(visitor: Visitor, address: str, file: Any = ("执照.png", PNG), **answers: str) -> str:
    files = {"licence.replace": file} if file else {}
    return await visitor.send(address, {"uscc": make_uscc(), **TYPED, **answers}, files=files)


async def test_an_enterprise_is_registered_without_a_script(world: World) -> None:
    visitor, address = await reach_form(world)
    await fill(visitor, address)
    assert visitor.address == f"{address}/check" and "苏州&lt;b&gt;恒川" in visitor.html
    await visitor.send(f"{address}/send", {})
    assert visitor.address == f"{address}/done" and "ZC2301" in visitor.html
    number = visitor.html.partition("ZC2301")[2][:10]
    for again in (address, f"{address}/check", f"{address}/code"):
        await visitor.open(again)
        assert visitor.address == f"{address}/done" and number in visitor.html
    await visitor.send(f"{address}/send", {"csrf_token": visitor.hidden("csrf_token") or ""})
    assert await count(world, "SELECT count(*) FROM registration") == 1


async def test_mistakes_keep_what_was_typed_and_the_picture(world: World) -> None:
    visitor, address = await reach_form(world)
    await fill(visitor, address, customs_code="12", legal_person="")
    assert "有 2 处需要修改" in visitor.html and "江琴" in visitor.html and "执照.png" in visitor.html
    await fill(visitor, address, file=("坏.zip", b"PK\x03\x04zip"), **kept_licence(visitor))
    assert visitor.status == 422 and "执照.png" in visitor.html
    assert "文件“坏.zip”不完整或已损坏" in visitor.html
    await visitor.open(f"{address}/check")
    assert visitor.address.endswith("/check"), "the good picture is still there"
    await visitor.open(address)
    await fill(visitor, address, file=("执照.pdf", PDF), **kept_licence(visitor))
    assert visitor.address.endswith("/check") and "执照.pdf" in visitor.html, (
        "a second file replaces the first"
    )
    assert "执照.png" not in visitor.html and "<iframe" not in visitor.html, (
        "nothing of a PDF runs on the page"
    )


async def test_a_wrong_check_digit_is_confirmed_by_a_tick(world: World) -> None:
    visitor, address = await reach_form(world)
    wrong = make_uscc(wrong=True)
    await fill(visitor, address, uscc=wrong)
    assert "有 1 处需要修改" in visitor.html and "校验位" in visitor.html
    await fill(visitor, address, file=None, uscc=wrong, uscc_confirmed="on", **kept_licence(visitor))
    assert visitor.address.endswith("/check") and "已核对，代码与营业执照一致" in visitor.html


async def test_an_enterprise_that_exists_is_told_at_its_code(world: World) -> None:
    uscc = make_uscc()
    sent = await add_applicant(world).send(uscc=uscc, name="秘密公司")
    await review(world.client("registrar"), sent.json()["id"], decision="approve")
    visitor, address = await reach_form(world)
    await fill(visitor, address, uscc=uscc)
    assert (
        "这家企业已经注册" in visitor.html
        and "秘密公司" not in visitor.html
        and "f-uscc-error" in visitor.html
    )


async def test_whoever_was_registered_meanwhile_is_told_when_sending(world: World) -> None:
    visitor, address = await reach_form(world)
    uscc = make_uscc()
    await fill(visitor, address, uscc=uscc)
    sent = await add_applicant(world).send(uscc=uscc)
    await review(world.client("registrar"), sent.json()["id"], decision="approve")
    await visitor.send(f"{address}/send", {})
    assert visitor.status == 422 and "这家企业已经注册" in visitor.html and "江琴" in visitor.html


async def test_steps_cannot_be_skipped_and_belong_to_one_browser(world: World) -> None:
    visitor, address = await reach_form(world)
    stranger = Visitor(world.client())
    for path in ("", "/check", "/done", "/code"):
        await stranger.open(address + path)
        assert stranger.address == "/register/phone", path
    assert (await stranger.client.get(f"{address}/licence/{address[-36:]}")).status_code == 404
    await visitor.open(f"{address}/check")
    assert visitor.address == address and "处需要修改" in visitor.html
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE registration_draft SET opened_at = opened_at - interval '25 hours'")
        )
        await session.commit()
    await visitor.open(address)
    assert visitor.address == "/register/phone" and "重新验证手机号" in visitor.html


async def test_a_wrong_code_is_told_and_counted(world: World) -> None:
    applicant = add_applicant(world)
    visitor = Visitor(applicant.client)
    await visitor.open("/register/phone")
    await visitor.send("/register/phone", {"phone": "12"})
    assert visitor.status == 422 and "11 位手机号码" in visitor.html
    await visitor.send("/register/phone", {"phone": applicant.phone})
    await visitor.send(visitor.address, {"code": "000 00x"})
    assert visitor.status == 422 and "验证码不正确" in visitor.html
    assert await count(world, "SELECT sum(tries) FROM sign_in_challenge") == 1


async def test_the_picture_is_read_before_the_first_code_and_not_again(world: World) -> None:
    guarded, easel = with_captcha(world)
    applicant = add_applicant(guarded)
    visitor = Visitor(applicant.client)
    for answer in (None, "WRONG"):
        await visitor.open("/register/phone")
        await look(visitor, easel)
        html = await visitor.send("/register/phone", {"phone": applicant.phone, "captcha": answer or ""})
        assert visitor.status == 422 and 'href="#f-captcha"' in html and f'value="{applicant.phone}"' in html
    html = await visitor.send("/register/phone", {"phone": applicant.phone, "captcha_wish": "new"})
    assert visitor.status == 200 and "error-summary" not in html
    answer = await look(visitor, easel)
    await visitor.send("/register/phone", {"phone": applicant.phone, "captcha": answer})
    address = visitor.address
    assert visitor.status == 200 and address.endswith("/code")
    html = await visitor.send("/register/phone", {"phone": applicant.phone})
    assert visitor.status == 429 and "操作过于频繁" in html, "it asks for no other picture, the pause is told"
    await visitor.open(address)
    await visitor.send(address, {"code": applicant.pigeons.code})
    assert "填写企业信息" in visitor.html


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (None, "企业注册待审核"),
        ({"decision": "return", "reason": "照片不清<i>"}, "企业注册已退回"),
        ({"decision": "refuse", "reason": "照片不清<i>"}, "企业注册未通过"),
        ({"decision": "approve"}, None),
    ],
)
async def test_the_state_stands_on_top_of_the_pages(
    world: World, decision: dict[str, str] | None, words: str | None
) -> None:
    applicant = add_applicant(world)
    id_ = (await applicant.send()).json()["id"]
    if decision:
        await review(world.client("registrar"), id_, **decision)
    await relax(world)
    visitor = Visitor(applicant.client)
    await visitor.open("/sign-in")
    await visitor.send("/sign-in/code", {"phone": applicant.phone})
    challenge = visitor.hidden("challenge") or ""
    await visitor.send("/sign-in", {"challenge": challenge, "code": applicant.pigeons.code})
    assert visitor.address == "/issues"
    if words is None:
        assert "企业注册的状态" not in visitor.html
        return
    assert words in visitor.html
    assert ("照片不清&lt;i&gt;" in visitor.html) is (decision is not None)
    await visitor.open("/issues/new")
    assert "尚未通过海关审核，暂时不能提出问题" in visitor.html
    await visitor.open(f"/registrations/{id_}")
    assert visitor.status == 200 and "营业执照" in visitor.html


async def test_members_read_the_state_but_not_the_reason(world: World) -> None:
    applicant = add_applicant(world)
    id_ = (await applicant.send()).json()["id"]
    await review(world.client("registrar"), id_, decision="return", reason="照片不清")
    async with world.wired.sessions() as session:
        move = "UPDATE membership SET enterprise_id = (SELECT enterprise_id FROM registration), roles = '{executive}'"
        await session.execute(text(f"{move} WHERE person_id = :id"), {"id": world.people["waiting"]})
        await session.commit()
    member = Visitor(world.browser("waiting"))
    await member.open("/issues")
    assert "企业注册已退回" in member.html and "照片不清" not in member.html
    await member.open(f"/registrations/{id_}")
    assert member.status == 404


async def test_the_registrars_desk(world: World) -> None:
    id_ = (await add_applicant(world).send(name="恒川公司")).json()["id"]
    registrar = Visitor(world.browser("registrar"))
    await registrar.open("/registrations")
    assert "恒川公司" in registrar.html and "待审核" in registrar.html
    await registrar.open("/registrations?phase=closed&q=恒川")
    assert "没有符合条件的注册申请" in registrar.html
    await registrar.open(f"/registrations/{id_}")
    task = registrar.html.partition("/tasks/")[2][:36]
    await registrar.send(f"/tasks/{task}/claim", {})
    assert "企业填写的信息" in registrar.html and 'class="licence"' in registrar.html
    await registrar.send(f"/tasks/{task}", {"decision": "refuse", "reason": ""})
    assert registrar.status == 422 and "请填写“理由”" in registrar.html
    await registrar.send(f"/tasks/{task}", {"decision": "refuse", "reason": "重复"})
    assert "已决定不予通过" in registrar.html
    for name, status in (("handler", 403), ("staff", 403), ("supervisor", 200)):
        other = Visitor(world.browser(name))
        await other.open("/registrations")
        assert other.status == status, name


async def count(world: World, statement: str) -> int:
    async with world.wired.sessions() as session:
        return int(await session.scalar(text(statement)) or 0)


def kept_licence(visitor: Visitor) -> dict[str, str]:
    """The licence that the page at hand holds, as its hidden field sends it."""
    return {"licence": visitor.hidden("licence") or ""}

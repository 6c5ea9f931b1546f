"""Signing in, an enterprise's members, numbers that change, and how people want to be told."""

import io
from dataclasses import replace

import xlsxwriter

from domain.captcha import CaptchaLimits
from tests.api.conftest import PASSWORD
from tests.api.contract.played import Day
from tests.domain.test_captcha import Easel

NEW_MEMBER = {
    "name": "林小满",
    "phone": "13700000001",
    "position": "关务经理",
    "roles": ["customs_affairs"],
}


async def play_sign_in(day: Day) -> None:
    """With a captcha, and without."""
    wired = day.world.app.state.wired
    captcha = CaptchaLimits(pepper=wired.settings.pepper, draw=Easel())
    day.world.app.state.wired = replace(wired, code_limits=replace(wired.code_limits, captcha=captcha))
    await day.say(None, "GET", "/api/v1/sign-in/captcha")
    await day.say(None, "POST", "/api/v1/sign-in/captcha/wait")
    day.world.app.state.wired = wired
    phone = {"phone": "13900000001"}
    asked = await day.say(None, "POST", "/api/v1/sign-in/code", json=phone)
    body = {"challenge": asked["challenge"], **phone, "code": day.mailbox.codes["sign_in"]}
    await day.say(None, "POST", "/api/v1/sign-in", json=body)
    me = await day.say("staff", "GET", "/api/v1/me")
    await day.say("staff", "POST", "/api/v1/me/membership", json={"id": me["membership"]["id"]})
    sessions = await day.say("staff", "GET", "/api/v1/sessions")
    other = next(one for one in sessions["items"] if not one["current"])
    await day.say("staff", "DELETE", "/api/v1/sessions/{}", other["id"])
    password = {"old": PASSWORD, "new": "harbour-Lantern 52"}
    await day.say("supervisor", "POST", "/api/v1/me/password", json=password)


async def play_members(day: Day) -> None:
    """One comes, is changed, suspended, and goes; the admin's role is offered."""
    await day.say("admin", "GET", "/api/v1/members")
    added = await day.say("admin", "POST", "/api/v1/members", json=NEW_MEMBER)
    await day.say("admin", "GET", "/api/v1/members/template")
    sheet = ("用户.xlsx", write_sheet(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    await day.say("admin", "POST", "/api/v1/members/import", form={"add": "right"}, file=sheet)
    await day.say("admin", "GET", "/api/v1/members/{}", added["id"])
    await day.say("admin", "PATCH", "/api/v1/members/{}", added["id"], json={"position": "部长"})
    await day.say("admin", "POST", "/api/v1/members/{}/suspend", added["id"], json={})
    await day.say("admin", "POST", "/api/v1/members/{}/resume", added["id"])
    await day.say("admin", "DELETE", "/api/v1/members/{}", added["id"])
    me = (await day.say("staff", "GET", "/api/v1/me"))["membership"]["id"]
    await day.say("admin", "GET", "/api/v1/members/{}/work", me)
    offer = {"to": me, "roles": ["executive"]}
    await day.say("admin", "POST", "/api/v1/admin-offer", json=offer)
    offered = (await day.say("staff", "GET", "/api/v1/me/admin-offer"))["offer"]
    await day.say("staff", "POST", "/api/v1/me/admin-offer/{}/decline", offered["id"])
    await day.say("admin", "POST", "/api/v1/admin-offer", json=offer)
    await day.say("admin", "DELETE", "/api/v1/admin-offer")
    again = await day.say("admin", "POST", "/api/v1/admin-offer", json=offer)
    await day.say("staff", "POST", "/api/v1/me/admin-offer/{}/accept", again["id"])


def write_sheet() -> bytes:
    """The template filled in: one line right, one wrong."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("姓名", "手机号码", "职务", "身份"))
        sheet.write_row(1, 0, ("张三", "13700000002", "", "企业高管"))
        sheet.write_row(2, 0, ("李四", "1", "", "企业高管"))
    return buffer.getvalue()


async def play_phones(day: Day) -> None:
    """One who has both numbers, and one who has lost the old one."""
    phone = {"phone": "13712345678"}
    asked = await day.say("stranger", "POST", "/api/v1/me/phone/codes", json=phone)
    codes = {
        name: day.mailbox.codes[f"change_phone_{name.removesuffix('_code')}"]
        for name in ("old_code", "new_code")
    }
    await day.say("stranger", "POST", "/api/v1/me/phone", json=phone | asked | codes)
    new = {"phone": "13712345679"}
    sent = await day.say(None, "POST", "/api/v1/sign-in/lost-phone/code", json=new)
    lost = {
        "name": "周建国",
        "old_phone": "13900000002",
        **new,
        "place": "连云港新港贸易有限公司",
        "office": "2301",
        "challenge": sent["challenge"],
        "code": day.mailbox.codes["lost_phone"],
    }
    await day.say(None, "POST", "/api/v1/sign-in/lost-phone", json=lost)
    [one] = (await day.say("registrar", "GET", "/api/v1/phone-requests"))["items"]
    decision = {"decision": "refuse", "reason": "来电核实，本人没有申请。"}
    await day.say("registrar", "POST", "/api/v1/phone-requests/{}/decide", one["id"], json=decision)


async def play_notices(day: Day) -> None:
    """Read, and told how."""
    page = await day.say("executive", "GET", "/api/v1/notices", query="?unread=true&limit=20")
    read = {"ids": [page["items"][0]["id"]], "seen": page["seen"]}
    await day.say("executive", "POST", "/api/v1/notices/read", json=read)
    choice = {"off": {"progress": ["sms", "mail"]}, "quiet": {"start": "22:00", "end": "07:00"}}
    await day.say("executive", "PUT", "/api/v1/me/messages", json=choice)
    await day.say("executive", "PUT", "/api/v1/me/mail", json={"address": "zhou@example.com"})
    sent = await day.look_up("SELECT text FROM message WHERE template = 'mail_given'")
    token = str(sent).partition("token=")[2].split()[0]
    await day.say("executive", "POST", "/api/v1/me/mail/confirm", json={"token": token})
    await day.say("executive", "GET", "/api/v1/me/messages")
    await day.say("executive", "DELETE", "/api/v1/me/mail")


async def play_leaving(day: Day) -> None:
    """The last ones of the day."""
    await day.say("executive", "DELETE", "/api/v1/sessions/current")
    await day.say("handler", "DELETE", "/api/v1/sessions")

"""Registering over the JSON contract: the code, the licence, double submits, bad input; what the applicant and officers read."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.api.applying import Applicant, add_applicant
from tests.api.conftest import World
from tests.api.test_json_life import QUESTION, complete
from tests.domain.files.samples import pdf
from tests.tasks.applicants import make_uscc

PDF = pdf()


async def sign_in(applicant: Applicant) -> httpx.AsyncClient:
    """The applicant's program, signed in."""
    asked = await applicant.client.post("/api/v1/sign-in/code", json={"phone": applicant.phone})
    body = {
        "phone": applicant.phone,
        "challenge": asked.json()["challenge"],
        "code": applicant.pigeons.code,
    }
    signed_in = await applicant.client.post("/api/v1/sign-in", json=body)
    assert signed_in.is_success, signed_in.text
    applicant.client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
    return applicant.client


async def find_review(registrar: httpx.AsyncClient, registration_id: str, view: str = "claimable") -> Any:
    items = (await registrar.get("/api/v1/tasks", params={"view": view})).json()["items"]
    return next(one for one in items if one["registration"] and one["registration"]["id"] == registration_id)


async def review(registrar: httpx.AsyncClient, registration_id: str, **answers: Any) -> httpx.Response:
    task = await find_review(registrar, registration_id)
    claimed = await registrar.post(f"/api/v1/tasks/{task['id']}/claim")
    assert claimed.is_success, claimed.text
    return await complete(registrar, claimed.json(), answers)


async def relax(world: World) -> None:
    """Forget the codes asked for so far: waiting between two has tests of its own."""
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE sign_in_challenge SET created_at = created_at - interval '2 days'")
        )
        await session.commit()


async def test_an_enterprise_is_registered_returned_corrected_and_approved(world: World) -> None:
    applicant, registrar = add_applicant(world), world.client("registrar")
    sent = await applicant.send(name="新禾公司")
    assert sent.status_code == 201, sent.text
    id_ = sent.json()["id"]
    assert (sent.json()["status"], sent.json()["number"][:6]) == ("待审核", "ZC2301")

    await relax(world)
    client = await sign_in(applicant)
    me = (await client.get("/api/v1/me")).json()
    assert (me["membership"]["roles"], me["membership"]["enterprise"]["status"]) == (
        ["enterprise_admin"],
        "pending",
    )
    mine = (await client.get("/api/v1/registrations/mine")).json()
    assert (mine["id"], mine["status"], mine["enterprise"]["name"]) == (id_, "待审核", "新禾公司")
    refused = await client.post("/api/v1/issues", json=QUESTION)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:qingling:enterprise_not_approved")

    returned = await review(registrar, id_, decision="return", reason="照片不清楚")
    assert returned.json()["registration"]["status"] == "已退回"
    mine = (await client.get("/api/v1/registrations/mine")).json()
    assert (mine["status"], mine["reason"]) == ("已退回", "照片不清楚")

    [task] = (await client.get("/api/v1/tasks")).json()["items"]
    assert (task["element_id"], task["issue"], task["registration"]["id"]) == (
        "correct_registration",
        None,
        id_,
    )
    upload = await client.post("/api/v1/attachments", files={"file": ("执照.pdf", PDF)})
    answers = {"address": "新地址 1 号", "licence": [upload.json()["id"]]}
    corrected = await complete(client, task, answers, key="once")
    assert corrected.json()["registration"]["status"] == "待审核", corrected.text
    again = await complete(client, task, answers, key="once")
    assert again.headers["idempotent-replayed"] == "true" and again.json() == corrected.json()

    detail = (await registrar.get(f"/api/v1/registrations/{id_}")).json()
    assert [(one["field"], one["round"]) for one in detail["changes"]] == [("address", 1), ("licence", 1)]
    licence = await registrar.get(f"/api/v1/attachments/{detail['licence']['id']}", params={"inline": True})
    assert (licence.content, licence.headers["content-disposition"][:6]) == (PDF, "attach")

    approved = await review(registrar, id_, decision="approve")
    assert approved.json()["registration"] == {"id": id_, "status": "已通过", "phase": "closed"}
    raised = await client.post("/api/v1/issues", json=QUESTION)
    assert raised.status_code == 201, "the same session works on"


async def test_sent_twice_it_is_one_registration(world: World) -> None:
    applicant = add_applicant(world)
    await applicant.ask()
    body = await applicant.body()
    first, second = await asyncio.gather(
        *(applicant.client.post("/api/v1/registrations", json=body) for _ in range(2))
    )
    third = await applicant.client.post("/api/v1/registrations", json=body)
    assert [one.status_code for one in (first, second, third)] == [201] * 3, (first.text, second.text)
    assert first.json() == second.json() == third.json()
    assert third.headers["idempotent-replayed"] == "true"
    other = await applicant.client.post("/api/v1/registrations", json=body | {"code": "000000x"})
    assert other.status_code == 401


async def test_a_wrong_code_a_sign_in_code_and_another_phone_open_nothing(world: World) -> None:
    applicant = add_applicant(world)
    await applicant.ask()
    body = await applicant.body()
    wrong = f"{(int(applicant.code) + 1) % 1_000_000:06d}"
    for change in ({"code": wrong}, {"phone": "13512345678"}, {"challenge": "nothing"}):
        answer = await applicant.client.post("/api/v1/registrations", json=body | change)
        assert answer.status_code == 401, answer.text
    await relax(world)
    asked = await applicant.client.post("/api/v1/sign-in/code", json={"phone": applicant.phone})
    change = {"challenge": asked.json()["challenge"]}
    assert (await applicant.client.post("/api/v1/registrations", json=body | change)).status_code == 401
    assert (await applicant.client.post("/api/v1/registrations", json=body)).status_code == 201


async def test_a_refused_form_leaves_the_code_for_the_next_try(world: World) -> None:
    applicant = add_applicant(world)
    await applicant.ask()
    body = await applicant.body()
    wrong = make_uscc(wrong=True)
    refused = await applicant.client.post(
        "/api/v1/registrations", json=body | {"uscc": wrong, "legal_person": ""}
    )
    assert refused.status_code == 422
    assert set(refused.json()["errors"]) == {"uscc_confirmed", "legal_person"}
    sent = await applicant.client.post(
        "/api/v1/registrations", json=body | {"uscc": wrong, "uscc_confirmed": True}
    )
    assert sent.status_code == 201, sent.text
    detail = (await world.client("registrar").get(f"/api/v1/registrations/{sent.json()['id']}")).json()
    assert detail["check_digit_failed"] is True


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"PK\x03\x04 not a picture", "a.zip"), (b"GIF89a", "a.gif"), (b"", "a.png"), (PDF, "a.png")],
)
async def test_a_licence_is_a_picture_or_a_pdf(world: World, data: bytes, name: str) -> None:
    applicant = add_applicant(world)
    await applicant.ask()
    answer = await applicant.upload(data, name)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:qingling:attachment_refused")
    assert (await applicant.upload(PDF, "a.pdf")).status_code == 201


async def test_uploads_without_an_account_are_few_and_bound_to_a_challenge(world: World) -> None:
    applicant = add_applicant(world)
    applicant.challenge = "01890000-0000-7000-8000-000000000000"
    assert (await applicant.upload()).status_code == 404
    await applicant.ask()
    answers = [(await applicant.upload()).status_code for _ in range(6)]
    assert answers == [201] * 5 + [422]
    stranger = world.client()
    stranger.cookies.set("qingling_browser", "another-browser")
    applicant.client = stranger
    assert (await applicant.upload()).status_code in (403, 404)


async def test_an_uploaded_licence_is_nobody_elses(world: World) -> None:
    applicant, other = add_applicant(world), add_applicant(world)
    await other.ask()
    theirs = (await other.upload()).json()["id"]
    refused = await applicant.send(licence=theirs)
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"licence"})
    assert (await world.client("staff").get(f"/api/v1/attachments/{theirs}")).status_code == 404
    assert (await world.client("registrar").get(f"/api/v1/attachments/{theirs}")).status_code == 404


async def test_an_enterprise_that_exists_is_told_whom_to_ask_and_shown_nothing_of(world: World) -> None:
    first = add_applicant(world)
    uscc = make_uscc()
    sent = await first.send(uscc=uscc, name="秘密公司")
    await review(world.client("registrar"), sent.json()["id"], decision="approve")
    refused = await add_applicant(world).send(uscc=uscc)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:qingling:enterprise_registered")
    assert "企业管理员" in refused.json()["detail"] and "秘密" not in refused.text


async def test_a_refused_one_is_read_by_its_applicant_only(world: World) -> None:
    applicant = add_applicant(world)
    id_ = (await applicant.send()).json()["id"]
    await review(world.client("registrar"), id_, decision="refuse", reason="不在本关区")
    await relax(world)
    client = await sign_in(applicant)
    mine = (await client.get("/api/v1/registrations/mine")).json()
    assert (mine["status"], mine["reason"]) == ("未通过", "不在本关区")
    for name in ("staff", "waiting", "handler", "elsewhere"):
        for path in ("", "/timeline", "/diagram"):
            answer = await world.client(name).get(f"/api/v1/registrations/{id_}{path}")
            assert answer.status_code == 404, (name, path)
    for name in ("registrar", "supervisor"):
        assert (await world.client(name).get(f"/api/v1/registrations/{id_}")).is_success
        listed = (await world.client(name).get("/api/v1/registrations/list")).json()["items"]
        assert [one["id"] for one in listed] == [id_]
    for path in ("/timeline", "/diagram"):
        assert (await client.get(f"/api/v1/registrations/{id_}{path}")).is_success
    assert (await world.client("staff").get("/api/v1/registrations/list")).status_code == 403
    assert (await world.client("waiting").get("/api/v1/registrations/mine")).status_code == 404

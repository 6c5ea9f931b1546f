"""The captcha as programs meet it."""

from base64 import b64decode
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.app import create_app
from domain.captcha import CaptchaLimits
from tests.api.applying import add_applicant
from tests.api.conftest import World
from tests.domain.test_captcha import Easel

PHONE = "13900000001"


def with_captcha(world: World, **limits: Any) -> tuple[World, Easel]:
    """The same world with the captcha turned on, and who draws it."""
    easel = Easel()
    captcha = CaptchaLimits(pepper=world.wired.settings.pepper, draw=easel, **limits)
    wired = replace(world.wired, code_limits=replace(world.wired.code_limits, captcha=captcha))
    guarded = replace(world, app=create_app(wired), wired=wired)
    return guarded, easel


@pytest.fixture
def guarded(world: World) -> tuple[httpx.AsyncClient, Easel]:
    other, easel = with_captcha(world, waits_per_ip_hour=1)
    return other.client(), easel


async def test_without_one_nothing_is_asked(world: World) -> None:
    client = world.client()
    assert (await client.get("/api/v1/sign-in/captcha")).json()["required"] is False
    assert (await client.post("/api/v1/sign-in/captcha/wait")).json() == {
        "required": False,
        "id": None,
        "wait_s": 0,
    }
    assert (await client.post("/api/v1/sign-in/code", json={"phone": PHONE})).status_code == 202


async def test_a_program_reads_the_picture_and_asks_for_a_code(
    guarded: tuple[httpx.AsyncClient, Easel],
) -> None:
    client, easel = guarded
    told = (await client.get("/api/v1/sign-in/captcha")).json()
    assert told["required"] and b64decode(told["image"]) == easel.drawn[-1].encode()
    body = {"phone": PHONE, "captcha": {"id": told["id"], "answer": easel.drawn[-1].lower()}}
    assert (await client.post("/api/v1/sign-in/code", json=body)).status_code == 202
    again = {"phone": PHONE, "captcha": {"id": told["id"]}}
    limited = await client.post("/api/v1/sign-in/code", json=again)
    assert limited.status_code == 429  # the captcha is no longer asked for, the pause is
    other = {"phone": "13900000002", "captcha": {"id": told["id"]}}
    assert (await client.post("/api/v1/sign-in/code", json=other)).status_code == 422


async def test_a_wrong_answer_is_told_and_the_picture_is_used_up_although_it_is_refused(
    guarded: tuple[httpx.AsyncClient, Easel],
) -> None:
    client, easel = guarded
    told = (await client.get("/api/v1/sign-in/captcha")).json()
    for answer in ("WRONG", easel.drawn[-1]):
        body = {"phone": PHONE, "captcha": {"id": told["id"], "answer": answer}}
        refused = await client.post("/api/v1/sign-in/code", json=body)
        problem = refused.json()
        assert (refused.status_code, problem["field"]) == (422, "captcha")
        assert problem["type"].endswith("captcha_refused")


async def test_known_and_unknown_phones_are_refused_alike(guarded: tuple[httpx.AsyncClient, Easel]) -> None:
    client, _ = guarded
    bodies = []
    for phone in (PHONE, "13612345678"):
        problem = (await client.post("/api/v1/sign-in/code", json={"phone": phone})).json()
        bodies.append({key: value for key, value in problem.items() if key != "request_id"})
    assert bodies[0] == bodies[1]


async def test_a_program_may_wait_instead_once_an_hour(guarded: tuple[httpx.AsyncClient, Easel]) -> None:
    client, _ = guarded
    told = (await client.post("/api/v1/sign-in/captcha/wait")).json()
    assert (told["required"], told["wait_s"]) == (True, 30)
    early = await client.post("/api/v1/sign-in/code", json={"phone": PHONE, "captcha": {"id": told["id"]}})
    assert early.status_code == 422
    assert 25 <= early.json()["retry_after_s"] <= 30
    assert early.headers["retry-after"] == str(early.json()["retry_after_s"])
    refused = await client.post("/api/v1/sign-in/captcha/wait")
    assert refused.status_code == 429
    assert 3590 <= int(refused.headers["retry-after"]) <= 3600


async def test_a_program_that_registers_an_enterprise_reads_it_first(world: World) -> None:
    guarded, easel = with_captcha(world)
    applicant = add_applicant(guarded)
    wanted: dict[str, Any] = {"phone": applicant.phone, "purpose": "register"}
    refused = await applicant.client.post("/api/v1/sign-in/code", json=wanted)
    assert refused.status_code == 422 and refused.json()["type"].endswith("captcha_refused")
    told = (await applicant.client.get("/api/v1/sign-in/captcha")).json()
    wanted["captcha"] = {"id": told["id"], "answer": easel.drawn[-1]}
    asked = await applicant.client.post("/api/v1/sign-in/code", json=wanted)
    assert asked.status_code == 202, asked.text
    applicant.challenge, applicant.code = asked.json()["challenge"], applicant.pigeons.code
    sent = await applicant.client.post("/api/v1/registrations", json=await applicant.body())
    assert sent.status_code == 201, sent.text

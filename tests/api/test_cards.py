"""Cards over the JSON contract: registering, signing in, binding, and everything that is refused before anybody is looked up."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import text

from tests.api.carding import CardHolder, add_holder, give_card, make_card, trust
from tests.api.conftest import ORIGIN, World
from tests.api.test_json_life import QUESTION
from tests.api.test_registrations import relax
from tests.cardauth.pki import DAY, ENCIPHERING, Holder, Pki, SoftCard
from tests.tasks.applicants import make_uscc


async def scalar(world: World, statement: str) -> Any:
    async with world.wired.sessions() as session:
        return await session.scalar(text(statement))


async def act(holder: CardHolder) -> None:
    """Sign in with the card, and act from then on."""
    signed_in = await holder.sign_in()
    assert signed_in.is_success, signed_in.text
    holder.client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"


# Registering


async def test_a_card_registers_its_enterprise_and_signs_its_admin_in(world: World) -> None:
    uscc = make_uscc()
    card = make_card(trust(world), uscc=uscc, enterprise_name="连云港新港贸易有限公司", holder="苏小青")
    holder = add_holder(world, card)
    sent = await holder.register()
    assert sent.status_code == 201, sent.text
    assert (sent.json()["status"], sent.json()["phase"]) == ("已通过", "closed")
    await act(holder)
    me = (await holder.client.get("/api/v1/me")).json()
    assert me["membership"]["roles"] == ["enterprise_admin"]
    assert me["membership"]["enterprise"]["name"] == "连云港新港贸易有限公司"
    assert me["person"]["name"] == "苏小青", "the holder, where no other contact is named"
    raised = await holder.client.post("/api/v1/issues", json=QUESTION)
    assert raised.status_code == 201, raised.text
    mine = (await holder.client.get("/api/v1/registrations/mine")).json()
    said = (mine["route"], mine["enterprise"]["uscc"], mine["enterprise"]["customs_code"])
    assert said == ("card", uscc, "3207960001")
    [bound] = (await holder.client.get("/api/v1/me/cards")).json()["items"]
    assert (bound["kind"], bound["holder"], bound["blocked_at"]) == ("法人卡", "苏小青", None)


async def test_a_card_takes_the_uscc_and_what_waits_for_a_review_ends(world: World) -> None:
    uscc = make_uscc()
    holder = add_holder(world, make_card(trust(world), uscc=uscc))
    waiting = await holder.applicant.send(uscc=uscc)
    assert waiting.status_code == 201
    await relax(world)
    sent = await holder.register()
    assert sent.json()["status"] == "已通过", "one's own application in waiting is no hindrance"
    queued = await scalar(
        world, "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'supersede_registrations'"
    )
    assert queued == 1


async def test_of_two_cards_of_one_enterprise_at_once_one_registers_it(world: World) -> None:
    pki, uscc = trust(world), make_uscc()
    holders = [add_holder(world, make_card(pki, uscc=uscc)) for _ in range(2)]
    answers = await asyncio.gather(*(holder.register() for holder in holders))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    loser = next(answer for answer in answers if answer.status_code == 409)
    assert loser.json()["type"] == "urn:qingling:enterprise_registered"
    assert await scalar(world, "SELECT count(*) FROM registration") == 1, "nothing of the other is left"
    assert await scalar(world, "SELECT count(*) FROM card") == 1


async def test_a_wrong_code_registers_nothing_and_has_burnt_the_challenge(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    await holder.applicant.ask()
    body = await holder.sign("register") | {
        "phone": holder.applicant.phone,
        "code": "000000" if holder.applicant.code != "000000" else "111111",
        "code_challenge": holder.applicant.challenge,
        "office": "2301",
    }
    assert (await holder.client.post("/api/v1/registrations/card", json=body)).status_code == 401
    right = body | {"code": holder.applicant.code}
    again = await holder.client.post("/api/v1/registrations/card", json=right)
    assert (again.status_code, again.json()["type"]) == (409, "urn:qingling:challenge_gone")
    fresh = right | await holder.sign("register")
    assert (await holder.client.post("/api/v1/registrations/card", json=fresh)).status_code == 201


async def test_a_card_that_is_bound_registers_nothing_again(world: World) -> None:
    card = make_card(trust(world))
    assert (await add_holder(world, card).register()).status_code == 201
    again = await add_holder(world, card).register()
    assert (again.status_code, again.json()["type"]) == (409, "urn:qingling:card_taken")


async def test_mistakes_of_the_form_are_told(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    closed = await holder.register(office="9999")
    assert (closed.status_code, closed.json()["type"]) == (422, "urn:qingling:office_closed")
    await relax(world)
    assert (await holder.register(contact="苏" * 31)).status_code == 422


# An enterprise that is registered already


async def test_a_second_card_of_an_enterprise_goes_to_its_registrar(world: World) -> None:
    pki, uscc = trust(world), make_uscc()
    first = add_holder(world, make_card(pki, uscc=uscc))
    assert (await first.register()).status_code == 201
    second = add_holder(world, make_card(pki, uscc=uscc, card_kind="操作员卡", holder="陆知行"))
    assert (await second.register()).json()["type"] == "urn:qingling:enterprise_registered"
    await relax(world)
    asked = await second.register("/request")
    assert (asked.status_code, asked.json()["office"]) == (201, "2301")
    assert (await second.sign_in()).status_code == 401, "nothing is bound yet"

    registrar = world.client("registrar")
    [one] = (await registrar.get("/api/v1/card-requests")).json()["items"]
    assert (one["holder"], one["kind"], one["uscc"], one["member_name"]) == ("陆知行", "操作员卡", uscc, None)
    assert one["admins"] == "王小明"
    address = f"/api/v1/card-requests/{one['id']}/decide"
    unreasoned = await registrar.post(address, json={"decision": "bind", "reason": " "})
    assert unreasoned.status_code == 422
    body = {"decision": "bind", "reason": "看了身份证和介绍信。"}
    assert (await registrar.post(address, json=body)).status_code == 204
    assert (await registrar.post(address, json=body)).status_code == 404, "decided once"
    await act(second)
    assert (await second.client.get("/api/v1/me")).json()["membership"]["roles"] == ["enterprise_admin"]
    told = {row["template"] for row in (await world.client().get("/api/v1/dev/inbox")).json()}
    assert told == set(), "nothing is sent here; the messages wait"
    waiting = "SELECT string_agg(template, ',' ORDER BY template) FROM message WHERE template LIKE 'card_%'"
    assert await scalar(world, waiting) == "card_admin_added,card_bound"


async def test_a_refused_request_binds_nothing(world: World) -> None:
    pki, uscc = trust(world), make_uscc()
    assert (await add_holder(world, make_card(pki, uscc=uscc)).register()).status_code == 201
    second = add_holder(world, make_card(pki, uscc=uscc))
    asked = (await second.register("/request")).json()["id"]
    assert (await world.client("handler").get("/api/v1/card-requests")).status_code == 403
    body = {"decision": "refuse", "reason": "没有到场。"}
    registrar = world.client("registrar")
    assert (await registrar.post(f"/api/v1/card-requests/{asked}/decide", json=body)).status_code == 204
    assert (await second.sign_in()).status_code == 401
    assert await scalar(world, "SELECT count(*) FROM card") == 1


async def test_only_an_enterprise_that_is_registered_has_a_registrar_to_ask(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    assert (await holder.register("/request")).status_code == 404


# Signing in, and the cards that are bound


async def test_a_card_is_bound_by_the_admin_listed_reported_lost_and_found(world: World) -> None:
    pki = trust(world)
    uscc = await scalar(world, "SELECT uscc FROM enterprise WHERE name = 'ours公司'")
    uscc_of = await set_uscc(world, "ours公司")
    assert uscc != uscc_of
    admin = give_card(world, "admin", make_card(pki, uscc=uscc_of, card_kind="操作员卡"))
    bound = await admin.bind()
    assert bound.status_code == 201, bound.text
    holder = add_holder(world, admin.card)
    await act(holder)
    assert (await holder.client.get("/api/v1/me")).json()["person"]["name"] == "admin"
    [line] = (await world.client("admin").get("/api/v1/enterprise/cards")).json()["items"]
    assert line["id"] == bound.json()["id"]
    address = f"/api/v1/enterprise/cards/{line['id']}"
    assert (await admin.client.post(f"{address}/block", json={"reason": "丢了"})).status_code == 204
    assert (await holder.client.get("/api/v1/me")).status_code == 401, "its session has ended"
    assert (await add_holder(world, admin.card).sign_in()).status_code == 401
    assert (await admin.client.delete(address)).status_code == 409, "blocked cards stay bound"


async def set_uscc(world: World, enterprise: str) -> str:
    """A code such as cards have, for this enterprise."""
    uscc = make_uscc()
    async with world.wired.sessions() as session:
        await session.execute(
            text("UPDATE enterprise SET uscc = :uscc WHERE name = :name"), {"uscc": uscc, "name": enterprise}
        )
        await session.commit()
    return uscc


async def test_an_unbound_card_opens_nothing_and_may_be_bound_again(world: World) -> None:
    card = make_card(trust(world), uscc=await set_uscc(world, "ours公司"))
    admin = give_card(world, "admin", card)
    id_ = (await admin.bind()).json()["id"]
    assert (await admin.bind()).json()["type"] == "urn:qingling:card_taken"
    assert (await admin.client.delete(f"/api/v1/me/cards/{id_}")).status_code == 204
    assert (await admin.client.delete(f"/api/v1/me/cards/{id_}")).status_code == 404
    assert (await add_holder(world, card).sign_in()).status_code == 401
    assert (await admin.bind()).status_code == 201


async def test_another_enterprises_card_is_not_bound(world: World) -> None:
    admin = give_card(world, "admin", make_card(trust(world)))
    refused = await admin.bind()
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingling:card_unfit")


async def test_an_officer_binds_a_card_and_signs_in_with_it(world: World) -> None:
    card = make_card(trust(world), enterprise_name="南京海关", card_kind="操作员卡", customs_code=None)
    handler = give_card(world, "handler", card)
    assert (await handler.bind()).status_code == 201
    holder = add_holder(world, card)
    signed_in = (await holder.sign_in()).json()
    assert signed_in["officer"]["roles"] == [{"role": "handler", "office": "2301"}]
    holder.client.headers["Authorization"] = f"Bearer {signed_in['token']}"
    another = CardHolder(holder.applicant, make_card(trust(world), enterprise_name="南京海关"))
    assert (await another.bind()).status_code == 422, "a card opens no door for the next one"


async def test_only_admins_and_officers_have_cards(world: World) -> None:
    staff = give_card(world, "staff", make_card(trust(world)))
    assert (await staff.bind()).status_code == 403
    assert (await staff.client.get("/api/v1/me/cards")).status_code == 403


# The challenge


async def test_a_challenge_is_good_once_even_when_the_try_failed(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    assert (await holder.register()).status_code == 201
    challenge, nonce = await holder.ask("sign_in")
    broken = holder.card.token(ORIGIN, b"\0" * 32)
    body = {"challenge": challenge, "token": broken}
    assert (await holder.client.post("/api/v1/sign-in/card", json=body)).status_code == 401
    body["token"] = holder.card.token(ORIGIN, nonce)
    again = await holder.client.post("/api/v1/sign-in/card", json=body)
    assert (again.status_code, again.json()["type"]) == (409, "urn:qingling:challenge_gone")


async def test_a_replayed_token_opens_nothing(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    assert (await holder.register()).status_code == 201
    body = await holder.sign("sign_in")
    assert (await holder.client.post("/api/v1/sign-in/card", json=body)).status_code == 200
    assert (await holder.client.post("/api/v1/sign-in/card", json=body)).status_code == 409
    fresh, _ = await holder.ask("sign_in")
    old = body | {"challenge": fresh}
    assert (await holder.client.post("/api/v1/sign-in/card", json=old)).json()["code"] == "signature"


async def test_a_challenge_belongs_to_a_browser_a_session_and_a_purpose(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    assert (await holder.register()).status_code == 201
    mine, other = world.client(), world.client()
    for client, key in ((mine, "a" * 32), (other, "b" * 32)):
        client.cookies.set("qingling_browser", key)
    at_browser = CardHolder(holder.applicant, holder.card)
    at_browser.applicant.client = mine
    body = await at_browser.sign("sign_in")
    assert (await other.post("/api/v1/sign-in/card", json=body)).status_code == 409
    assert (await mine.post("/api/v1/sign-in/card", json=body)).status_code == 200
    for_registering = await at_browser.sign("register")
    assert (await mine.post("/api/v1/sign-in/card", json=for_registering)).status_code == 409
    to_bind = await world.client().post("/api/v1/card/challenge", json={"purpose": "bind"})
    assert to_bind.status_code == 401
    admin = give_card(world, "admin", holder.card)
    theirs = await admin.sign("bind")
    assert (await world.client("waiting").post("/api/v1/me/cards", json=theirs)).status_code == 409


# What is refused before anybody is looked up

Token = dict[str, Any]


def phish(card: SoftCard, nonce: bytes) -> Token:
    return card.token("https://qingling.example.net", nonce)


def swap_certificate(card: SoftCard, nonce: bytes) -> Token:
    other = make_card(Pki.make(datetime.now(UTC)))
    return card.token(ORIGIN, nonce) | {
        "certificate": other.token(ORIGIN, nonce)["certificate"],
        "signature": "A" * len(card.token(ORIGIN, nonce)["signature"]),
    }


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (phish, 401, "signature"),
        (swap_certificate, 401, "signature"),
        (lambda *_: {}, 422, "malformed"),
        (lambda card, nonce: card.token(ORIGIN, nonce) | {"format": "web-eid:1"}, 422, "malformed"),
        (lambda card, nonce: card.token(ORIGIN, nonce) | {"certificate": "AAAA"}, 422, "malformed"),
        (lambda card, nonce: card.token(ORIGIN, nonce) | {"certificate": "中"}, 422, "malformed"),
        (lambda card, nonce: card.token(ORIGIN, nonce) | {"signature": "A" * 9000}, 422, "malformed"),
        (lambda card, nonce: card.token(ORIGIN, nonce) | {"algorithm": "none"}, 401, "algorithm"),
        (lambda card, nonce: card.token(ORIGIN, nonce) | {"nonce": "AAAA"}, 422, "malformed"),
    ],
)
async def test_a_token_that_is_not_this_cards_for_us_is_refused(
    world: World, token: Any, status: int, code: str
) -> None:
    holder = add_holder(world, make_card(trust(world)))
    challenge, nonce = await holder.ask("sign_in")
    body = {"challenge": challenge, "token": token(holder.card, nonce)}
    refused = await holder.client.post("/api/v1/sign-in/card", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    why = "SELECT failed_why || coalesce(person_id::text, '') FROM card_challenge WHERE failed_at IS NOT NULL"
    assert await scalar(world, why) == code, "nobody has been looked up"


def expired(pki: Pki) -> SoftCard:
    now = datetime.now(UTC)
    return pki.issue(from_at=now - 20 * DAY, until_at=now - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (expired, "expired"),
        (lambda pki: pki.impostor().issue(), "untrusted"),
        (lambda pki: Pki.make(datetime.now(UTC), "rsa", "没有听说过的").issue(), "untrusted"),
        (lambda pki: pki.issue(usages=ENCIPHERING), "certificate"),
        (lambda pki: pki.issue(purposes=[ExtendedKeyUsageOID.SERVER_AUTH]), "certificate"),
        (lambda pki: pki.issue(Holder(enterprise_name=None)), "subject"),
        (lambda pki: pki.issue(Holder(uscc=None)), "subject"),
    ],
)
async def test_a_certificate_that_is_no_cards_of_ours_is_refused(world: World, make: Any, code: str) -> None:
    holder = add_holder(world, make(trust(world)))
    refused = await holder.sign_in()
    assert (refused.status_code, refused.json()["code"]) == (401, code), refused.text
    assert "王小明" not in refused.text and "连云港" not in refused.text


async def test_a_revoked_card_is_refused(world: World) -> None:
    pki = Pki.make(datetime.now(UTC))
    card = pki.issue()
    trust(world, revoked=[card])
    refused = await add_holder(world, card).sign_in()
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked")


# The trust list


@pytest.mark.parametrize("gone", ["missing", "expired"])
async def test_without_a_trust_list_of_today_cards_are_closed_and_codes_go_on(
    world: World, gone: str
) -> None:
    if gone == "expired":
        now = datetime.now(UTC)
        trust(world, from_at=now - 2 * DAY, until_at=now - timedelta(minutes=1))
    closed = await world.client().post("/api/v1/card/challenge", json={"purpose": "sign_in"})
    assert (closed.status_code, closed.json()["type"]) == (503, "urn:qingling:trust_unavailable")
    code = await world.client().post("/api/v1/sign-in/code", json={"phone": "13900000001"})
    assert code.status_code == 202
    metrics = (await world.client().get("/metrics")).text
    assert "qingling_cards_open 0.0" in metrics and "qingling_card_alarms 0.0" not in metrics
    trust(world)
    metrics = (await world.client().get("/metrics")).text
    assert "qingling_cards_open 1.0" in metrics and "qingling_card_alarms 0.0" in metrics


async def test_a_list_that_expires_between_challenge_and_answer_closes_the_door(world: World) -> None:
    holder = add_holder(world, make_card(trust(world)))
    body = await holder.sign("sign_in")
    now = datetime.now(UTC)
    trust(world, from_at=now - 2 * DAY, until_at=now - timedelta(minutes=1))
    refused = await holder.client.post("/api/v1/sign-in/card", json=body)
    assert refused.status_code == 503


async def test_nothing_of_a_card_or_person_is_logged(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    holder = add_holder(world, make_card(trust(world), holder="独孤求败", enterprise_name="无名山庄贸易公司"))
    assert (await holder.register()).status_code == 201
    await act(holder)
    holder.card = make_card(trust(world), holder="独孤求败", enterprise_name="无名山庄贸易公司")
    assert (await holder.sign_in()).status_code == 401
    said = "".join(capfd.readouterr())
    for secret in ("独孤求败", "无名山庄", holder.applicant.phone):
        assert secret not in said

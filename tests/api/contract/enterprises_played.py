"""Enterprises that register, without a card and with one, and cards that are bound."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from tests.api.conftest import ORIGIN
from tests.api.contract.played import BEGIN, Day
from tests.api.test_json_life import PNG
from tests.cardauth.pki import Holder, Pki, SoftCard
from tests.tasks.applicants import TYPED, make_uscc

PHONE, HOLDERS_PHONE, SECOND_PHONE = "13500000001", "13500000002", "13500000003"
BY_CARD = {"enterprise_name": "连云港海滨食品有限公司", "customs_code": "3207960002"}


async def play_registration(day: Day) -> None:
    """Sent without a card; it waits for its registrar."""
    asked = await day.say(None, "POST", "/api/v1/sign-in/code", json={"phone": PHONE, "purpose": "register"})
    challenge = {"challenge": asked["challenge"]}
    file = ("营业执照.png", PNG, "image/png")
    licence = await day.say(None, "POST", "/api/v1/registrations/licence", form=challenge, file=file)
    body = {
        **TYPED,
        "uscc": make_uscc(9000001),
        "phone": PHONE,
        "code": day.mailbox.codes["register"],
        **challenge,
        "licence": licence["id"],
    }
    sent = await day.say(None, "POST", "/api/v1/registrations", json=body)
    await day.say("registrar", "GET", "/api/v1/registrations/list", query="?phase=customs&limit=20")
    await day.say("registrar", "GET", "/api/v1/registrations/{}", sent["id"])
    await day.say("registrar", "GET", "/api/v1/registrations/{}/timeline", sent["id"])
    await day.say("registrar", "GET", "/api/v1/registrations/{}/diagram", sent["id"])


@dataclass
class Desk:
    """A program with a card in its reader."""

    day: Day
    card: SoftCard

    async def sign(self, name: str | None, purpose: str) -> dict[str, Any]:
        """A challenge, and the card's token for it."""
        asked = await self.day.say(name, "POST", "/api/v1/card/challenge", json={"purpose": purpose})
        return {"challenge": asked["challenge"], "token": self.card.token(ORIGIN, b64decode(asked["nonce"]))}

    async def prove(self, phone: str) -> dict[str, Any]:
        """The card and the phone."""
        body = {"phone": phone, "purpose": "register"}
        asked = await self.day.say(None, "POST", "/api/v1/sign-in/code", json=body)
        code = {
            "phone": phone,
            "code": self.day.mailbox.codes["register"],
            "code_challenge": asked["challenge"],
        }
        return await self.sign(None, "register") | code | {"office": "2301"}


async def play_cards(day: Day) -> None:
    """An enterprise registers by its card; a second card is bound by a registrar; cards are lost and given up."""
    pki = Pki.make(BEGIN)
    pki.write(day.world.wired.settings.demo_cards_dir / "trust")
    uscc = make_uscc(9000002)
    first = Desk(day, pki.issue(Holder(**BY_CARD, uscc=uscc, card_number="2100000000001", holder="苏小青")))
    second = Desk(
        day,
        pki.issue(
            Holder(**BY_CARD, uscc=uscc, card_number="2100000000002", holder="陆知行", card_kind="操作员卡")
        ),
    )
    await day.say(None, "POST", "/api/v1/registrations/card", json=await first.prove(HOLDERS_PHONE))
    asked = await second.prove(SECOND_PHONE)
    await day.say(None, "POST", "/api/v1/registrations/card/request", json=asked)
    [one] = (await day.say("registrar", "GET", "/api/v1/card-requests"))["items"]
    decision = {"decision": "refuse", "reason": "没有单位的介绍信。"}
    await day.say("registrar", "POST", "/api/v1/card-requests/{}/decide", one["id"], json=decision)
    signed_in = await day.say(None, "POST", "/api/v1/sign-in/card", json=await first.sign(None, "sign_in"))
    day.clients["holder"] = day.world.client()
    day.clients["holder"].headers["Authorization"] = f"Bearer {signed_in['token']}"
    await day.say("holder", "GET", "/api/v1/registrations/mine")
    await _keep_cards(day, second)


async def _keep_cards(day: Day, second: Desk) -> None:
    ours: list[str] = []
    for path in ("/api/v1/me/cards", "/api/v1/enterprise/cards"):
        bound = await day.say("holder", "POST", "/api/v1/me/cards", json=await second.sign("holder", "bind"))
        ours.append(bound["id"])
        await day.say("holder", "GET", path)
        await day.say("holder", "DELETE", f"{path}/{{}}", ours[-1])
    lost = {"reason": "出差途中遗失"}
    bound = await day.say("holder", "POST", "/api/v1/me/cards", json=await second.sign("holder", "bind"))
    await day.say("holder", "POST", "/api/v1/enterprise/cards/{}/block", bound["id"], json=lost)
    [first] = [
        one for one in (await day.say("holder", "GET", "/api/v1/me/cards"))["items"] if not one["blocked_at"]
    ]
    await day.say("holder", "POST", "/api/v1/me/cards/{}/block", first["id"], json=lost)

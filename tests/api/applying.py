"""Programs that register enterprises: asking for the code, uploading the licence, sending it all."""

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import httpx

from tests.api.conftest import World
from tests.api.test_json_life import PNG
from tests.domain.conftest import Pigeons
from tests.tasks.applicants import TYPED, make_uscc

_phones = count(13_500_000_001)


@dataclass
class Applicant:
    """One phone and one program; `code` and `challenge` are those it asked for last."""

    client: httpx.AsyncClient
    pigeons: Pigeons
    phone: str
    challenge: str = ""
    code: str = ""

    async def ask(self) -> None:
        """Ask for a code to register with."""
        body = {"phone": self.phone, "purpose": "register"}
        asked = await self.client.post("/api/v1/sign-in/code", json=body)
        assert asked.status_code == 202, asked.text
        self.challenge, self.code = asked.json()["challenge"], self.pigeons.code

    async def upload(self, data: bytes = PNG, name: str = "营业执照.png") -> httpx.Response:
        """Upload a licence for the challenge."""
        return await self.client.post(
            "/api/v1/registrations/licence",
            data={"challenge": self.challenge},
            files={"file": (name, data)},
        )

    async def body(self, **fields: Any) -> dict[str, Any]:
        """Everything a registration sends, with a licence of its own."""
        licence = fields.pop("licence", None) or (await self.upload()).json()["id"]
        return {
            **TYPED,
            "uscc": make_uscc(),
            "phone": self.phone,
            "code": self.code,
            "challenge": self.challenge,
            "licence": licence,
            **fields,
        }

    async def send(self, **fields: Any) -> httpx.Response:
        """Ask, upload and send."""
        await self.ask()
        return await self.client.post("/api/v1/registrations", json=await self.body(**fields))


def add_applicant(world: World, phone: str | None = None) -> Applicant:
    """Somebody without an account, at a program of their own, whose codes can be read."""
    wired = world.app.state.wired
    pigeons = wired.send_code if isinstance(wired.send_code, Pigeons) else Pigeons()
    world.app.state.wired = replace(wired, send_code=pigeons)
    return Applicant(world.client(), pigeons, phone or str(next(_phones)))

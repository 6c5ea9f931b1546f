"""The programs in docs/cardauth.md are run as they stand there, and its tables name what the code knows."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import cardauth.exceptions as exceptions
from cardauth.exceptions import CardRefused
from cardauth.token import Algorithm
from tests.cardauth.fake_cas import CAS_URL, FakeCas
from tests.cardauth.pki import Pki

PAGE = (Path(__file__).parents[2] / "docs" / "cardauth.md").read_text(encoding="utf-8")
SIGN_IN, CAS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ORIGIN = "https://qingling.example.cn"


def run(program: str, **names: Any) -> dict[str, Any]:
    exec(compile(program, "docs/cardauth.md", "exec"), names)
    return names


def test_the_example_signs_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from base64 import b64decode

    pki = Pki.make(datetime.now(UTC))
    card = pki.issue()
    sign_in = run(SIGN_IN, trust_folder=pki.write(tmp_path))["sign_in"]
    said = sign_in("session", lambda nonce: card.token(ORIGIN, b64decode(nonce)))
    assert said.startswith("连云港测试贸易有限公司 王小明 (")
    refused = sign_in("session", lambda nonce: card.token("https://evil.example.cn", b64decode(nonce)))
    assert refused.startswith("卡的签名没有通过核对")
    assert "refused: signature signature" in capsys.readouterr().out


async def test_the_cas_example_says_who(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeCas()
    program = run(CAS)
    client = fake.client()
    monkeypatch.setattr(program["httpx"], "AsyncClient", lambda: client)
    ticket = fake.give(ORIGIN, "wang", {"mobile": ["13900000001"]})
    assert await program["who"](CAS_URL, ticket, ORIGIN) == "wang 13900000001"


def test_the_tables_name_every_code_and_algorithm() -> None:
    kinds = [
        one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, CardRefused)
    ]
    for kind in kinds:
        assert kind is CardRefused or f"`{kind.code}`" in PAGE, kind
    for algorithm in Algorithm:
        assert f"| {algorithm} |" in PAGE

"""Known and unknown phones cannot be told apart by a clock: 2,000 tries of each kind, in random order, over HTTP.

The measure is the area under the ROC curve: the probability that a random known phone takes longer than a random unknown one.
0.5 says nothing, 1 tells them apart always. Both sides use as many phones, so that both have as many codes behind them.

No worker runs beside the web process: a code is really sent only where somebody has the phone, and on two cores that work
slows down whatever request comes next, which is no part of these requests (docs/evidence/sign-in.md).
"""

import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median

import httpx
import pytest

from domain.demo.people import MEMBERS, OFFICERS
from tests.soak.served import Served

TRIES = 2000
WARM_UP = 100
TELLING = 0.05  # |AUC - 0.5| beyond which a clock tells something
LIMITS_OFF = {
    f"QINGLING_{name}": "0"
    for name in (
        "CODE_RESEND_S",
        "CODE_PER_PHONE_HOUR",
        "CODE_PER_PHONE_DAY",
        "CODE_PER_IP_HOUR",
        "CODE_PER_IP_DAY",
        "CODE_PER_DAY",
    )
} | {
    "QINGLING_SIGN_IN_FAILURES": "1000000",
    "QINGLING_CODE_TRIES": "1000000",
    "QINGLING_CAPTCHA": "false",
    "QINGLING_WORKER": "false",
}

Try = Callable[[httpx.AsyncClient, str], Awaitable[float]]


def area_under_curve(longer: list[float], shorter: list[float]) -> float:
    """The probability that a value of the first list is larger than one of the second; ties count half."""
    ranked = sorted(shorter)
    wins = sum((bisect_left(ranked, one) + bisect_right(ranked, one)) / 2 for one in longer)
    return wins / (len(longer) * len(shorter))


def test_the_measure_sees_a_difference_of_a_tenth() -> None:
    luck = random.Random(1)
    slow = [luck.gauss(11, 1) for _ in range(1000)]
    quick = [luck.gauss(10, 1) for _ in range(1000)]
    other = [luck.gauss(10, 1) for _ in range(1000)]
    assert area_under_curve(slow, quick) - 0.5 > TELLING
    assert abs(area_under_curve(other, quick) - 0.5) < TELLING
    assert area_under_curve([2, 2], [1, 2]) == 0.75


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("timing")
    for above in (folder, folder.parent):
        above.chmod(0o711)
    server = Served(folder / "data", **LIMITS_OFF)
    server.start()
    yield server
    server.stop()


async def timed(client: httpx.AsyncClient, path: str, body: dict[str, str], status: int) -> float:
    started = time.perf_counter()
    answer = await client.post(path, json=body)
    took_s = time.perf_counter() - started
    assert answer.status_code == status, answer.text
    return took_s


async def ask_for_code(client: httpx.AsyncClient, phone: str) -> float:
    return await timed(client, "/sign-in/code", {"phone": phone}, 202)


async def sign_in(client: httpx.AsyncClient, phone: str, **more: str) -> float:
    """With a wrong code, at a challenge of this phone that was asked for beforehand and is not timed."""
    asked = await client.post("/sign-in/code", json={"phone": phone})
    body = {"challenge": asked.json()["challenge"], "phone": phone, "code": "wrong!"}
    return await timed(client, "/sign-in", body | more, 401)


async def sign_in_with_password(client: httpx.AsyncClient, phone: str) -> float:
    return await sign_in(client, phone, password="not the password")


def phones_like(known: list[str]) -> list[str]:
    """As many numbers that nobody has."""
    return [f"136{phone[3:]}" for phone in known]


@pytest.mark.parametrize(
    ("attempt", "known"),
    [
        (ask_for_code, [one.phone for one in MEMBERS]),
        (sign_in, [one.phone for one in MEMBERS]),
        (sign_in_with_password, [one.phone for one in OFFICERS]),
    ],
)
async def test_a_clock_does_not_tell_known_from_unknown_phones(
    served: Served, attempt: Try, known: list[str]
) -> None:
    unknown = phones_like(known)
    luck = random.Random(2026)
    tries = [True, False] * (TRIES // 2)
    luck.shuffle(tries)
    took_s: dict[bool, list[float]] = {True: [], False: []}
    async with httpx.AsyncClient(base_url=f"{served.origin}/api/v1", timeout=30) as client:
        for number, is_known in enumerate([True, False] * (WARM_UP // 2) + tries):
            one = await attempt(client, luck.choice(known if is_known else unknown))
            if number >= WARM_UP:
                took_s[is_known].append(one)
    area = area_under_curve(took_s[True], took_s[False])
    middle = {name: median(took_s[name == "known"]) * 1000 for name in ("known", "unknown")}
    print(f"{attempt.__name__}: AUC {area:.3f}, medians {middle['known']:.2f} / {middle['unknown']:.2f} ms")
    assert abs(area - 0.5) <= TELLING

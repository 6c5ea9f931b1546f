"""(4) The lists of issues in a world of many: every filter, word and sort, for everybody who looks at lists, as whole pages.

Milliseconds as p50 and p95 over all questions of a kind, the processor time of application and PostgreSQL for one page, and how
often a page took more than 100 ms. The floor is the same page of somebody who has nothing in it.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from bench import issue_world
from bench.issues import OLD_WORD, SHARES
from bench.program import Program
from bench.world import World, open_world
from db.embedded import EmbeddedPostgres
from db.session import conninfo
from domain.seed import OFFICES

FEW, MANY = 10_000, 1_000_000
REPEATS = 5
LIMIT_MS = 100
# As somebody would set up a server for a million issues; writing is not measured.
SERVER = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "off",
    "autovacuum": "off",
}
READERS = (
    "member with most",
    "executive of the largest",
    "executive of the smallest",
    "handler of the largest office",
    "handler of the smallest office",
    "chief of three offices",
    "supervisor of all",
)
RARE = list(SHARES)[-1]
QUESTIONS: dict[str, list[Mapping[str, str]]] = {
    "nothing": [{}],
    "a phase": [
        {"phase": phase} for phase in ("draft", "review", "customs", "enterprise", "answered", "closed")
    ],
    "a status": [{"status": status} for status in ("已清零", "已撤回", "海关办理中", "待企业补充", "草稿")],
    "a category, a kind, an office": [
        {"category": "税收征管"},
        {"kind": "投诉"},
        {"office": OFFICES[-1][0]},
        {"category": "稽查", "kind": "意见建议", "office": OFFICES[5][0]},
    ],
    "filters together with a phase": [
        {"category": "税收征管", "phase": "customs"},
        {"category": "税收征管", "phase": "closed"},
        {"status": "已撤回", "category": "统计", "kind": "投诉"},
        {"status": "重新办理", "office": OFFICES[-1][0]},
    ],
    "a word that all hold": [{"q": "海关"}, {"q": "税"}, {"q": "QL23"}],
    "a word that half hold": [{"q": "归类"}, {"q": "查验"}],
    "a word that one of 20 or 200 holds": [{"q": "退税"}, {"q": "保证金"}],
    "a word that one of 20,000 holds": [{"q": RARE}],
    "a word that none hold": [{"q": "量子纠缠"}, {"q": "龘"}, {"q": "归查"}],
    "a word that was common until 2023": [{"q": OLD_WORD}],
    "several words": [
        {"q": "归类 查验"},
        {"q": "归类 退税"},
        {"q": "海关 保证金"},
        {"q": f"退税 保证金 {OLD_WORD}"},
        {"q": f"归类 查验 {RARE}"},
    ],
    "a code of goods, digits": [{"q": "8471300000"}, {"q": "847130"}, {"q": "223120261"}],
    "words with filters": [
        {"q": "归类", "phase": "customs"},
        {"q": "归类 查验", "category": "统计", "kind": "投诉"},
        {"q": "退税", "status": "已撤回"},
        {"q": "保证金", "phase": "answered"},
    ],
    "the most urgent first": [
        {"sort": "due"},
        {"sort": "due", "q": "归类"},
        {"sort": "due", "q": "保证金"},
        {"sort": "due", "category": "统计"},
        {"sort": "due", "phase": "customs"},
        {"sort": "due", "q": "量子纠缠"},
    ],
}


@dataclass
class Times:
    """What pages of one kind took."""

    wall: list[float] = field(default_factory=list[float])
    ours: list[float] = field(default_factory=list[float])
    theirs: list[float] = field(default_factory=list[float])
    slowest: tuple[float, str] = (0.0, "")

    def figures(self, floor: float | None) -> dict[str, Any]:
        """Rounded, with the ratio to the floor."""
        p50, p95 = statistics.median(self.wall), percentile(self.wall, 0.95)
        return {
            "p50_ms": round(p50, 1),
            "p95_ms": round(p95, 1),
            "to_floor": round(p95 / floor, 1) if floor else None,
            "cpu_ms": round(statistics.mean(self.ours), 1),
            "postgres_cpu_ms": round(statistics.mean(self.theirs), 1),
            f"over_{LIMIT_MS}_ms": f"{sum(one > LIMIT_MS for one in self.wall)}/{len(self.wall)}",
            "worst": f"{self.slowest[0]:.0f} {self.slowest[1]}",
        }


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(world: World, many: int = FEW) -> dict[str, Any]:
    """Fill an empty world with so many issues, and time its lists."""
    seconds = await asyncio.to_thread(issue_world.build, world, many)
    return {"filled_s": round(seconds), **await time_lists(world)}


async def measure_many(folder: Path, many: int = MANY) -> dict[str, Any]:
    """The same in a database that is kept in this folder: filled the first time, used again afterwards."""
    mark = _open_folder(folder)
    counting = {"shared_preload_libraries": "pg_stat_statements"}
    with EmbeddedPostgres(folder, settings={**SERVER, **counting}, dies_with_us=True) as server:
        async with open_world(folder, server.url, with_people=not mark.exists()) as world:
            filled = await asyncio.to_thread(_fill_once, world, many, mark)
            return {"filled": filled, **await time_lists(world)}


def _open_folder(folder: Path) -> Path:
    """The folder, which the server's user can enter; the file that says that its world is filled."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder / "filled"


def _fill_once(world: World, many: int, mark: Path) -> str:
    if not mark.exists():
        mark.write_text(f"{many} issues in {issue_world.build(world, many):.0f} s")
    return mark.read_text()


async def time_lists(world: World) -> dict[str, Any]:
    """Every kind of question, asked by everybody; how busy the machine was beside."""
    tokens = await issue_world.sign_in(world)
    programs = {name: Program(world.app, token) for name, token in tokens.items()}
    figures: dict[str, Any] = {"load": os.getloadavg()[0]}
    empty = {name: programs[name] for name in ("security administrator",)}
    floor = await _time(world, empty, [{}])
    figures["floor: nothing to show"] = floor.figures(None)
    p50 = statistics.median(floor.wall)
    readers = {name: programs[name] for name in READERS}
    for name, questions in QUESTIONS.items():
        figures[name] = (await _time(world, readers, questions)).figures(p50)
    figures["page 20"] = (await _time(world, readers, await _find_deep(readers))).figures(p50)
    figures["an issue's number, or its end"] = (await _time(world, readers, _numbers(world))).figures(p50)
    security = {"security administrator": programs["security administrator"]}
    for name, path in (
        ("sign-ins", "/security/sign-ins"),
        ("failed sign-ins", "/security/sign-ins?outcome=failed"),
    ):
        figures[name] = (await _time(world, security, [{}], path)).figures(p50)
    figures["load afterwards"] = os.getloadavg()[0]
    return figures


async def _time(
    world: World, programs: Mapping[str, Program], questions: list[Mapping[str, str]], path: str = "/issues"
) -> Times:
    times = Times()
    clock = _postgres_clock(world)
    for repeat in range(REPEATS + 1):
        for name, program in programs.items():
            for question in questions:
                address = f"{path}?{urlencode(question)}" if question else path
                theirs, ours, started = clock(), time.process_time(), time.perf_counter()
                status, answer = await program.exchange("GET", address)
                wall = (time.perf_counter() - started) * 1000
                assert status in (200, 503), (address, status, answer[:300])
                if repeat == 0 and len(programs) * len(questions) > 1:
                    continue  # to warm up
                times.wall.append(wall)
                times.ours.append((time.process_time() - ours) * 1000)
                times.theirs.append(clock() - theirs)
                times.slowest = max(times.slowest, (wall, f"{name} {dict(question)}"))
    return times


async def _find_deep(readers: Mapping[str, Program]) -> list[Mapping[str, str]]:
    """Page 20 of what the supervisor sees."""
    after = ""
    for _ in range(20):
        query = {"limit": "20"} | ({"after": after} if after else {})
        after = (await readers["supervisor of all"].send("GET", f"/api/v1/issues?{urlencode(query)}"))["next"]
    return [{"after": after}, {"after": after, "q": "归类"}, {"after": after, "q": "保证金"}]


def _numbers(world: World) -> list[Mapping[str, str]]:
    with psycopg.connect(conninfo(world.database_url)) as connection:
        rows = connection.execute("SELECT number FROM issue ORDER BY id DESC OFFSET 500 LIMIT 3").fetchall()
    return [{"q": number[start:]} for (number,) in rows for start in (0, 6, 10)]


def _postgres_clock(world: World) -> Callable[[], float]:
    """Processor milliseconds of the server's processes that serve this database."""
    with psycopg.connect(conninfo(world.database_url), autocommit=True) as connection:
        pids = [
            pid
            for (pid,) in connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'qingling'"
            )
        ]
    tick = 1000 / os.sysconf("SC_CLK_TCK")

    def read() -> float:
        total = 0
        for pid in pids:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except FileNotFoundError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total * tick

    return read

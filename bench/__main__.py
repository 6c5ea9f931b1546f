"""`./dev bench [--quick] [--long [--folder DIR]] [completion|throughput|lists|startup|card|messages …]`: measure, print ratios
first, and write bench/results/*.json."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from api.logs import configure_logging
from bench import card, completion, issue_lists, lists, messages, startup, throughput
from bench.world import World, machine, open_database, open_world
from settings import Settings

RESULTS = Path(__file__).parent / "results"
PARTS = ("completion", "throughput", "lists", "startup", "card", "messages")
QUICK_LEVELS, QUICK_SAMPLES, QUICK_TASKS, QUICK_MESSAGES = (0, 5, 100), 15, 60, 1_000


async def measure(parts: list[str], *, quick: bool, long: Path | None = None) -> dict[str, Any]:
    """Everything asked for, in one run on one machine; each part that needs one has a database of its own."""
    results: dict[str, Any] = {"machine": machine(), "at": datetime.now(UTC).isoformat(), "quick": quick}
    for part in parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        if part == "startup":
            results[part] = startup.measure()
            continue
        if part == "card":
            results[part] = card.measure(QUICK_SAMPLES) if quick else card.measure()
            continue
        with open_database() as (folder, database_url):
            async with open_world(folder, database_url) as world:
                results[part] = await _measure_part(part, world, quick)
        if part == "lists":
            results["issues"] = await _measure_issues(long)
    return results


async def _measure_issues(long: Path | None) -> dict[str, Any]:
    """The lists of issues in a world of many; in the long form in a second one of very many as well."""
    with open_database() as (folder, database_url):
        async with open_world(folder, database_url) as world:
            figures = {f"{issue_lists.FEW} issues": await issue_lists.measure(world)}
    if long is not None:
        figures[f"{issue_lists.MANY} issues"] = await issue_lists.measure_many(long)
    return figures


async def _measure_part(part: str, world: World, quick: bool) -> dict[str, Any]:
    if part == "completion":
        return await (
            completion.measure(world, QUICK_LEVELS, QUICK_SAMPLES) if quick else completion.measure(world)
        )
    if part == "throughput":
        return await (throughput.measure(world, QUICK_TASKS) if quick else throughput.measure(world))
    if part == "messages":
        quick_ = (QUICK_MESSAGES, QUICK_SAMPLES)
        return await (messages.measure(world, *quick_) if quick else messages.measure(world))
    return await lists.measure(world)


def show(results: dict[str, Any]) -> None:
    """Ratios first, then what they were made of."""
    machine_ = results["machine"]
    print(
        f"{machine_['cores']} cores, {machine_['memory_gib']} GiB, Python {machine_['python']}, {results['at']}"
    )
    if ratios := results.get("completion", {}).get("ratios"):
        _show_rows("one completion, ratios", ratios)
    if rows := results.get("throughput"):
        _show_rows("completions a second", rows)
    if rows := results.get("completion"):
        _show_rows("one completion", {name: row for name, row in rows.items() if name != "ratios"})
    for size, rows in results.get("lists", {}).items():
        _show_rows(f"lists, {size}", rows)
    for size, rows in results.get("issues", {}).items():
        _show_rows(f"lists of issues, {size}", rows)
    if rows := results.get("startup"):
        _show_rows("start-up", rows)
    if rows := results.get("card"):
        _show_rows("a card's token", rows)
    if rows := results.get("messages"):
        _show_rows("sending messages", rows)


def _show_rows(title: str, rows: dict[str, Any]) -> None:
    print(f"\n{title}")
    for name, figures in rows.items():
        if isinstance(figures, dict):
            figures = "  ".join(f"{key} {value}" for key, value in figures.items() if value is not None)
        print(f"  {name:<48} {figures}")


def main() -> None:
    """Read the arguments, measure, print, keep."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="measure, in one run on one machine")
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], help="what to measure; everything if not said"
    )
    parser.add_argument("--quick", action="store_true", help="fewer samples, at most 100 rounds")
    parser.add_argument("--long", action="store_true", help="lists at a million issues, too: an hour, 20 GB")
    parser.add_argument(
        "--folder", type=Path, help="with --long: keep that world here, and use it again (default: a new one)"
    )
    arguments = parser.parse_args()
    configure_logging(Settings(log_level="WARNING", log_format="text"))
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="qingling-bench-") as fresh,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,  # as the served process runs
    ):
        long = (arguments.folder or Path(fresh)) if arguments.long else None
        results = runner.run(measure(arguments.parts or list(PARTS), quick=arguments.quick, long=long))
    show(results)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(results, ensure_ascii=False, indent=2))
    print(f"\n{time.monotonic() - started:.0f} s; written to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()

"""The compact state: small, flat, exact, and the same whatever becomes of its bytes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exceptions import EngineFailure
from engine.execution import Execution
from engine.values import Reads, ValueRefused, copied, tagged, untagged
from tests.engine.process_files import END, EVALUATOR, NOW, START, Run, flows, parse, parse_file, user

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes(timezones=st.just(UTC)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["$t", "$d", "typename"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_the_state_does_not_grow_with_the_rounds() -> None:
    run = Run(parse_file("loop"), boss="anna")
    sizes: list[int] = []
    for _ in range(150):
        run.complete("write_draft", text="x" * 2_000).complete(
            "review_draft", decision="no", comment="x" * 2_000
        )
        sizes.append(len(run.state))
    assert max(sizes) < 400
    assert max(sizes[100:]) <= max(sizes[:10]) + 8


def test_an_instance_outlives_the_depth_at_which_the_library_stops() -> None:
    run = Run(parse_file("loop"), boss="anna")
    for _ in range(600):
        run.complete("write_draft").complete("review_draft", decision="no")
    assert run.complete("write_draft").complete("review_draft", decision="yes").load().is_ended


def test_a_loop_beside_a_waiting_branch_stays_small_and_still_joins() -> None:
    run = Run(parse_file("side_loop"))
    for _ in range(60):
        run.complete("spin", decision="no")
    assert len(run.state) < 500
    run.complete("spin", decision="yes")
    assert run.ready == ["wait_here"]
    assert sorted(run.complete("wait_here").ready) == ["one", "other"]
    assert run.complete("one").load().is_ended


def test_reminders_leave_nothing_behind() -> None:
    run = Run(parse_file("side_loop"))
    sizes: list[int] = []
    for round_ in range(1, 60):
        assert run.wait_until(NOW + timedelta(hours=6 * round_)) == ["tick"]
        sizes.append(len(run.state))
    assert max(sizes[40:]) <= max(sizes[:5]) + 8


def test_dumping_changes_nothing_and_twice_gives_the_same_bytes() -> None:
    run = Run(parse_file("nested"), limit=NOW + timedelta(days=30)).complete("prepare")
    execution = run.load()
    assert execution.dump() == execution.dump()
    assert [task.element_id for task in execution.ready_tasks()] == ["do_work"]


def test_ids_of_ready_tasks_outlive_a_reload() -> None:
    run = Run(parse_file("votes"), voters=["a", "b", "c"]).complete("ask")
    assert run.ids == run.ids
    assert len(set(run.ids)) == 3


def test_a_state_is_read_in_another_process() -> None:
    run = Run(parse_file("nested"), limit=NOW + timedelta(days=30)).complete("prepare")
    code = (
        "import sys; from tests.engine.process_files import *\n"
        "run = Run(parse_file('nested'), limit=NOW); run.state = bytes.fromhex(sys.argv[1])\n"
        "print(run.complete('do_work', decision='yes').load().is_ended)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, run.state.hex()], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("state", [b"", b"\x00", b"\xff" + b"x" * 20])
def test_bytes_of_another_version_are_not_guessed_at(state: bytes) -> None:
    with pytest.raises(EngineFailure):
        Execution.load(parse_file("loop"), state, EVALUATOR, NOW)


def test_a_state_of_another_diagram_is_not_guessed_at() -> None:
    run = Run(parse_file("loop"), boss="anna")
    other = parse(START + user("ask") + END + flows("begin > ask > done"))
    with pytest.raises(EngineFailure):
        Execution.load(other, run.state, EVALUATOR, NOW)


@given(json_values)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    import orjson

    assert untagged(orjson.loads(orjson.dumps(tagged(copied(value))))) == value


def test_values_that_look_like_ours_come_back_as_they_were() -> None:
    run = Run(
        parse(
            START
            + user("ask", assignee="word.x")
            + user("ask_again", candidateGroups="ask")
            + END
            + flows("begin > ask > ask_again > done")
        )
    )
    tricky = {"$t": "2026-01-01T00:00:00+00:00", "$d": [["a", 1]], "typename": "Task"}
    run.complete("ask", value=tricky)
    assert run.load().variables == {"ask": {"value": tricky}}


def test_times_are_kept_as_utc_and_naive_ones_refused() -> None:
    beijing = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))
    assert copied(beijing) == NOW
    assert copied(beijing).tzinfo is UTC
    with pytest.raises(ValueRefused):
        copied(datetime(2026, 3, 2))  # noqa: DTZ001


def test_ids_become_text_and_objects_are_refused() -> None:
    number = uuid4()
    assert copied({"id": number, "list": (1, 2)}) == {"id": str(number), "list": [1, 2]}
    nested: list[Any] = []
    nested.append(nested)
    for value in (
        object(),
        {1: 2},
        {"a": {1, 2}},
        b"x",
        nested,
        "\ud800",
        {"\ud800": 1},
        2**64,
        float("nan"),
        float("inf"),
    ):
        with pytest.raises(ValueRefused):
            copied(value)


def test_only_the_fields_that_are_read_are_kept() -> None:
    reads = Reads({("a", "b"), ("a", "c", "d"), ("whole",), ("whole", "part")})
    assert reads.kept("a", {"b": 1, "c": {"d": 2, "x": 3}, "x": object()}) == {"b": 1, "c": {"d": 2}}
    assert reads.kept("a", {"x": 1}) == {}
    assert reads.kept("a", [1, 2]) is None
    assert reads.kept("whole", {"part": 1, "rest": 2}) == {"part": 1, "rest": 2}
    assert "unread" not in reads

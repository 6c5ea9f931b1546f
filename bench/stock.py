"""What the library's own serializer costs for the same step: restore, complete, advance, serialize. No database, no web.

Its specs are shared and parsed once, which favours it: as it comes, every instance carries its own.
"""

import random
import statistics
import time
from datetime import timedelta
from pathlib import Path

from domain.working_days import WorkingCalendar
from engine.execution import Execution
from engine.expressions import Evaluator
from tasks.functions import build_functions
from tests.engine.walks import START, VARIABLES, StockTwin, load_diagram, settle

ISSUE = Path(__file__).parents[1] / "processes" / "issue.bpmn"
SAMPLES = 20


def measure(rounds: int) -> dict[str, float]:
    """CPU milliseconds and bytes of answering, after so many rounds; or in which round the instance died."""
    definition = load_diagram(ISSUE)
    evaluator = Evaluator(build_functions(WorkingCalendar()))
    execution = Execution.new(definition, VARIABLES, evaluator, START)
    settle(execution, random.Random(1))
    twin = StockTwin(definition, execution, evaluator)
    step(twin, "draft_issue", {"send": True})
    step(twin, "review_issue", {"decision": "submit", "importance": "一般"})
    for played in range(rounds):
        try:
            play_round(twin)
        except RecursionError:
            return {"dead_in_round": played + 1, "state_bytes": len(twin.text)}
    times: list[float] = []
    size = 0
    for _ in range(SAMPLES):
        kept = twin.text, twin.sequence, twin.outcome
        started = time.process_time()
        step(twin, "answer_issue", {"decision": "answer"})
        times.append((time.process_time() - started) * 1000)
        size = len(twin.text)
        twin.text, twin.sequence, twin.outcome = kept
    return {"cpu_ms": round(statistics.median(times), 3), "state_bytes": size}


def play_round(twin: StockTwin) -> None:
    """Answered, and sent back by the submitter."""
    step(twin, "answer_issue", {"decision": "answer"})
    step(twin, "evaluate_answer", {"rating": 3, "reopen": True})


def step(twin: StockTwin, element: str, answers: dict[str, object]) -> None:
    """Restore, complete the first open task of this element, advance, serialize."""
    execution = twin.load(START + timedelta(hours=1))
    task = next(task for task in execution.ready_tasks() if task.element_id == element)
    facts = VARIABLES["issue"] | {"evaluators": ["anna", "boris"], "raised_by_executive": False}
    execution.complete(task.id, answers, {**facts, **answers})
    settle(execution, random.Random(1))
    twin.save(execution)

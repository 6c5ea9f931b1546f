"""What a message's state is after a try or a question: worked out from how it ended, and written in one statement."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from messages import alarms, statements
from messages.claiming import Errand
from messages.routing import Try, choose_route, is_uncertain, next_question_at
from sending import AddressRefused, OperatorNeeded, Receipt, Report, SendError, TryLater, Uncertain

Ending = Receipt | SendError
Answer = Receipt | Report | SendError | None

SILENT = "多次询问，服务商都没有答复"


@dataclass(frozen=True)
class Result:
    """What becomes of the message: its state, and when it is due again."""

    state: str
    due_at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """How a question ended: the answer for the log (None: none yet), and what the provider says arrived."""

    answer: str | None
    reference: str | None = None
    arrived: bool | None = None
    report_code: str | None = None


def outcome_of(ending: Ending) -> str:
    """The word for the log."""
    match ending:
        case Receipt():
            return "accepted"
        case TryLater():
            return "later"
        case AddressRefused():
            return "refused"
        case OperatorNeeded():
            return "operator"
        case Uncertain() | SendError():
            return "uncertain"


async def record_try(session: AsyncSession, errand: Errand, ending: Ending, now: datetime) -> Result | None:
    """Write how a try ended; what becomes of the message, or None when it is another's by now."""
    outcome = outcome_of(ending)
    repeats = errand.windows.get((errand.route.channel, errand.route.provider), 0) > 0
    answer = "repeated" if outcome == "uncertain" and repeats else None
    last = replace(errand.tries[-1], outcome=outcome, answer=answer)
    result = _after_try(errand, last, ending, now)
    error = ending if isinstance(ending, SendError) else None
    parameters = {
        **_settlement(errand, result, now),
        "outcome": outcome,
        "answer": answer,
        "code": error.code if error else None,
        "explanation": error.explanation if error else None,
        "error": str(error)[:500] if error else None,
        "reference": ending.reference if isinstance(ending, Receipt) else None,
        "sent_at": now if isinstance(ending, Receipt) else None,
        "arrived": None,
        "report_code": None,
    }
    mine = await session.scalar(statements.RECORD_TRY, parameters)
    route = (errand.route.channel, errand.route.provider)
    if isinstance(ending, OperatorNeeded):
        await alarms.sound(session, route, ending.code, ending.explanation, now)
    return result if mine else None


async def record_answer(
    session: AsyncSession, errand: Errand, answer: Answer, now: datetime
) -> Result | None:
    """Write what the provider said of an uncertain try; what becomes of the message, or None when it is another's by now."""
    verdict = _judge(errand, answer, now)
    result = _after_answer(errand, verdict, answer, now)
    error = answer if isinstance(answer, SendError) else None
    given_up = verdict.answer == "cannot_tell"
    parameters = {
        **_settlement(errand, result, now),
        "answer": verdict.answer,
        "code": error.code if error and given_up else None,
        "explanation": (error.explanation or SILENT) if error and given_up else None,
        "error": str(error)[:500] if error else None,
        "reference": verdict.reference,
        "sent_at": errand.began_at if verdict.answer == "found" else None,
        "arrived": verdict.arrived,
        "report_code": verdict.report_code,
    }
    mine = await session.scalar(statements.RECORD_ANSWER, parameters)
    return result if mine else None


def _settlement(errand: Errand, result: Result, now: datetime) -> dict[str, Any]:
    return {
        "id": errand.row.id,
        "attempt_id": errand.attempt_id,
        "claimed_at": errand.row.claimed_at,
        "state": result.state,
        "due_at": result.due_at,
        "channel": errand.route.channel,
        "provider": errand.route.provider,
        "now": now,
    }


def _after_try(errand: Errand, last: Try, ending: Ending, now: datetime) -> Result:
    if isinstance(ending, Receipt):
        return Result("sent")
    if last.is_open_question:
        return Result("asking", now + timedelta(seconds=max(1.0, errand.route.ask_after_s)))
    later = _go_on(errand, [*errand.tries[:-1], last], now)
    after_s = ending.after_s if isinstance(ending, TryLater) else None
    if later.due_at and after_s and later.due_at > now:
        return replace(later, due_at=max(later.due_at, now + timedelta(seconds=after_s)))
    return later


def _judge(errand: Errand, answer: Answer, now: datetime) -> Verdict:
    match answer:
        case Report(reference=reference, arrived=arrived, code=code):
            return Verdict("found", reference, arrived, code)
        case Receipt(reference=reference):
            return Verdict("found", reference)
        case None:
            return Verdict("not_known")
        case Uncertain():
            return Verdict("cannot_tell")
        case _:
            again = next_question_at(errand.asks + 1, now)
            return Verdict(None if again else "cannot_tell")


def _after_answer(errand: Errand, verdict: Verdict, answer: Answer, now: datetime) -> Result:
    if verdict.answer is None:
        due_at = next_question_at(errand.asks + 1, now)
        after_s = answer.after_s if isinstance(answer, TryLater) else None
        if due_at and after_s:
            due_at = max(due_at, now + timedelta(seconds=after_s))
        return Result("asking", due_at)
    if verdict.answer == "found" and verdict.arrived is not False:
        return Result("sent")
    known = [
        replace(one, outcome="uncertain", answer=verdict.answer, arrived=verdict.arrived)
        if one.is_open_question
        else one
        for one in errand.tries
    ]
    return _go_on(errand, known, now)


def _go_on(errand: Errand, tries: list[Try], now: datetime) -> Result:
    choice = choose_route(errand.routes, tries, now, is_code=errand.row.is_code, windows=errand.windows)
    if choice is None:
        return Result("uncertain" if is_uncertain(tries) else "failed")
    return Result("queued", choice.due_at)

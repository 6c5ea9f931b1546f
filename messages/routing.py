"""Which route a message takes next, and when: pure rules over the tries there were (docs/adr/0020).

accepted                    it is sent
later, a notice             the same route after a while, three times; then the next one; in the end every route six times
later, a code               the route tried least, at once if it has not been tried
refused, or not arrived     never this route again; the next one at once
operator, skipped           the next route at once; this one again after half an hour or more
uncertain                   nothing until the provider was asked:
    found                   it is sent
    not_known               as if it had not been tried, but the try counts
    cannot_tell             the end: nobody sends it a second time
    repeated                a route that repeats safely is not asked: the same route, and no other, tries again as long as it does
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from messages.routes import RouteKey

BACK_OFF_S = (10, 60, 300, 1800, 7200)
BLOCKED_S = (1800, 7200, 21600, 43200, 86400)
ASK_AGAIN_S = (30, 120, 600, 3600, 21600)
PATIENCE = 3
FOR_EVER_S = 10 * 365 * 86400.0
MOST_TRIES = len(BACK_OFF_S) + 1
BLOCKED = ("operator", "skipped")


@dataclass(frozen=True)
class Try:
    """One row of the log of tries, as far as routing looks at it."""

    route: RouteKey
    at: datetime
    outcome: str | None = None
    answer: str | None = None
    arrived: bool | None = None
    asks: int = 0

    @property
    def is_open_question(self) -> bool:
        """Whether it may have been sent, and nobody knows yet."""
        return self.outcome in (None, "uncertain") and self.answer is None

    @property
    def ends_route(self) -> bool:
        """Whether this route is of no more use to this message."""
        return self.outcome == "refused" or self.arrived is False

    @property
    def ends_message(self) -> bool:
        """Whether it may have been sent for good, and nobody will ever know."""
        return self.answer == "cannot_tell" and self.arrived is not False


@dataclass(frozen=True)
class Choice:
    """The route to take, and not before when."""

    route: RouteKey
    due_at: datetime


def find_question(tries: Sequence[Try]) -> Try | None:
    """The try that has to be asked about before anything else is done."""
    return next((one for one in reversed(tries) if one.is_open_question), None)


def choose_route(
    routes: Sequence[RouteKey],
    tries: Sequence[Try],
    now: datetime,
    *,
    is_code: bool = False,
    troubled: Collection[RouteKey] = (),
    windows: Mapping[RouteKey, float] | None = None,
) -> Choice | None:
    """The next route of these, which stand in order of preference; None when all have been tried enough.

    For a code, routes that are `troubled` at the moment come last. `windows`: for how many seconds each repeats safely; None:
    each for ever.
    """
    if any(one.ends_message for one in tries):
        return None
    first = find_bound_try(tries)
    bound = first.route if first else None
    standing = [
        _Standing(route, place, [one for one in tries if one.route == route], now)
        for place, route in enumerate(routes)
        if bound in (None, route)
    ]
    open_ = [one for one in standing if one.is_open]
    if not open_:
        return None
    best = min(open_, key=lambda one: one.for_code(troubled) if is_code else one.for_notice())
    if first and windows is not None:
        safe_until = first.at + timedelta(seconds=min(windows.get(best.route, 0), FOR_EVER_S))
        if max(best.due_at, now) > safe_until:
            return None
    return Choice(best.route, best.due_at)


def find_bound_try(tries: Sequence[Try]) -> Try | None:
    """The first try that may have been delivered over a route that repeats safely: no other route may be taken until that one
    has given an answer."""
    bound: Try | None = None
    for one in tries:
        if one.answer == "repeated":
            bound = bound or one
        elif bound and one.route == bound.route and one.ends_route:
            bound = None
    return bound


def is_uncertain(tries: Sequence[Try]) -> bool:
    """Whether a message that is given up may have reached its person all the same."""
    return any(one.ends_message for one in tries) or find_bound_try(tries) is not None


def next_question_at(asks: int, now: datetime) -> datetime | None:
    """When to ask again after so many questions without an answer; None: it is of no use any more."""
    return now + timedelta(seconds=ASK_AGAIN_S[asks - 1]) if asks <= len(ASK_AGAIN_S) else None


@dataclass(frozen=True)
class _Standing:
    """How one route stands with one message."""

    route: RouteKey
    place: int
    tries: Sequence[Try]
    now: datetime

    @property
    def is_open(self) -> bool:
        return len(self.tries) < MOST_TRIES and not any(one.ends_route for one in self.tries)

    @property
    def is_blocked(self) -> bool:
        return bool(self.tries) and self.tries[-1].outcome in BLOCKED

    @property
    def due_at(self) -> datetime:
        if not self.tries or self.tries[-1].answer == "not_known":
            return self.now
        waits = BLOCKED_S if self.is_blocked else BACK_OFF_S
        return self.tries[-1].at + timedelta(seconds=waits[len(self.tries) - 1])

    def for_notice(self) -> tuple[bool, bool, int, int]:
        count = len(self.tries)
        impatient = count >= PATIENCE
        return self.is_blocked, impatient, count if impatient else 0, self.place

    def for_code(self, troubled: Collection[RouteKey]) -> tuple[bool, int, bool, int]:
        return self.is_blocked, len(self.tries), self.route in troubled, self.place

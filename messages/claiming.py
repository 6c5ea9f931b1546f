"""Claiming: in one transaction, take what is due, decide for each message what is done about it now, and write that down.

What is sent has a try of its own before it is sent: whoever dies afterwards leaves it without an outcome, and nobody takes it for
unsent. What is put off, or can go nowhere, is settled at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from messages import alarms, statements
from messages.limits import Limits, Spent, count_spent
from messages.reach import FindRecipients, Reach, find_reach, wake_at
from messages.routes import Outgoing, Route, RouteKey, name_of
from messages.routing import Try, choose_route, find_question, is_uncertain
from messages.sealing import Sealer
from messages.topics import SMS

STALE_AFTER = timedelta(minutes=2)
TROUBLE_LASTS = timedelta(minutes=1)
SLOW_AFTER = timedelta(seconds=5)
DIED = "发送途中程序中断，可能已经发出"
BUDGET = "budget"
ALL_SMS: RouteKey = (SMS, "*")
SKIPS = {
    BUDGET: "今天的短信预算已用完",
    "receiver_limit": "今天发给这个人的短信已到上限",
}
NIGHT, QUIET = "night", "quiet"
"""What a message waits for that could be sent by itself (`messages.models.WAITS_FOR`)."""
GONE, SEALED, NO_ROUTE = "recipient_gone", "sealed_with_another_key", "no_route"
NOT_TOLD = "cannot_be_asked"


@dataclass(frozen=True)
class Errand:
    """What one claimed message needs now: to be sent over `route` as the try `attempt_id`, or, when `is_question`, the provider
    to be asked what became of that try, begun at `began_at`."""

    row: Any
    route: Route
    attempt_id: UUID
    began_at: datetime
    outgoing: Outgoing
    routes: Sequence[RouteKey]
    windows: Mapping[RouteKey, float]
    tries: Sequence[Try]
    is_question: bool = False
    asks: int = 0


@dataclass(frozen=True)
class PutOff:
    """A message that nothing is done about before `due_at` (None: never again)."""

    message_id: UUID
    state: str
    due_at: datetime | None = None
    error: str | None = None
    waits_for: str | None = None


@dataclass
class Claimed:
    """The outcome of a claim."""

    errands: list[Errand] = field(default_factory=list[Errand])
    put_off: list[PutOff] = field(default_factory=list[PutOff])


@dataclass(frozen=True)
class Office:
    """What claiming works with: the routes there are, in order, and the rules."""

    routes: Sequence[Route]
    sealer: Sealer
    find_recipients: FindRecipients
    limits: Limits

    def route(self, key: RouteKey) -> Route | None:
        """The route with this name, if there still is one."""
        return next((one for one in self.routes if (one.channel, one.provider) == key), None)

    def windows(self, row: Any) -> dict[RouteKey, float]:
        """For how long each route repeats this message safely."""
        name = name_of(row.process, row.template)
        return {(one.channel, one.provider): one.repeat_window_s(name) for one in self.routes}


async def claim(session: AsyncSession, office: Office, ids: Sequence[UUID], now: datetime) -> Claimed:
    """Take these messages as far as they are due and nobody has them."""
    claimed = await session.execute(
        statements.CLAIM, {"ids": list(ids), "now": now, "stale": now - STALE_AFTER}
    )
    rows = sorted(claimed.all(), key=lambda row: row.id)
    if not rows:
        return Claimed()
    desk = await _open_desk(session, office, rows, now)
    for row in rows:
        desk.decide(row)
    await _write(session, desk, now)
    return desk.claimed


async def _open_desk(session: AsyncSession, office: Office, rows: Sequence[Any], now: datetime) -> "_Desk":
    reaches = await find_reach(session, office.find_recipients, rows, office.limits.quiet)
    tries: dict[UUID, list[_Logged]] = {row.id: [] for row in rows}
    for one in await session.execute(statements.READ_TRIES, {"ids": [row.id for row in rows]}):
        known = Try((one.channel, one.provider), one.at, one.outcome, one.answer, one.arrived, one.asks)
        tries[one.message_id].append(_Logged(one.id, known))
    spent = await count_spent(session, office.limits, rows, now)
    troubled = (
        await _find_troubled(session, office.routes, now) if any(row.is_code for row in rows) else set()
    )
    return _Desk(office, now, reaches, tries, spent, troubled)


async def _find_troubled(session: AsyncSession, routes: Sequence[Route], now: datetime) -> set[RouteKey]:
    found = await session.execute(
        statements.FIND_TROUBLED,
        {
            "channels": [route.channel for route in routes],
            "providers": [route.provider for route in routes],
            "since": now - TROUBLE_LASTS,
            "slow": now - SLOW_AFTER,
        },
    )
    return {(row.channel, row.provider) for row in found}


@dataclass(frozen=True)
class _Logged:
    id: UUID
    known: Try


@dataclass
class _Desk:
    """Decides message by message, and collects what is to be written."""

    office: Office
    now: datetime
    reaches: Mapping[UUID, Reach]
    tries: Mapping[UUID, list[_Logged]]
    spent: Spent
    troubled: set[RouteKey]
    claimed: Claimed = field(default_factory=Claimed)
    begun: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    died: list[UUID] = field(default_factory=list[UUID])
    repeated: list[UUID] = field(default_factory=list[UUID])
    over_budget: bool = False

    def decide(self, row: Any) -> None:
        """What is done about this message now."""
        reach = self.reaches[row.id]
        tries = self._close_dead(row)
        if question := find_question([one.known for one in tries]):
            return self._ask(row, reach, tries, question)
        if reach.is_gone:
            return self._put_off(row, "failed", error=GONE)
        if (wake := wake_at(row, reach, self.now)) is not None:
            return self._put_off(row, "queued", wake, waits_for=QUIET)
        code = self.office.sealer.open(row.secret, row.id) if row.secret is not None else None
        if row.secret is not None and code is None:
            return self._put_off(row, "failed", error=SEALED)
        return self._send(row, reach, [one.known for one in tries], code)

    def _close_dead(self, row: Any) -> list[_Logged]:
        """The tries, those that a dead worker left open closed: where the route repeats safely they are just repeated."""
        closed: list[_Logged] = []
        for one in self.tries[row.id]:
            known = one.known
            if known.outcome is None:
                self.died.append(one.id)
                route = self.office.route(known.route)
                repeats = route is not None and route.repeat_window_s(name_of(row.process, row.template)) > 0
                if repeats:
                    self.repeated.append(one.id)
                known = Try(
                    known.route, known.at, "uncertain", "repeated" if repeats else None, asks=known.asks
                )
            closed.append(_Logged(one.id, known))
        return closed

    def _ask(self, row: Any, reach: Reach, tries: list[_Logged], question: Try) -> None:
        route = self.office.route(question.route)
        to = reach.addresses.get(question.route[0])
        if route is None or to is None:  # there is nobody to ask, or nobody to ask about
            return self._put_off(row, "uncertain", error=NOT_TOLD)
        logged = next(one for one in tries if one.known is question)
        due_at = question.at + timedelta(seconds=route.ask_after_s)
        if due_at > self.now:
            return self._put_off(row, "asking", due_at)
        known = [one.known for one in tries]
        errand = Errand(
            row,
            route,
            logged.id,
            question.at,
            self._outgoing(row, route, to, None),
            self._keys(row, reach),
            self.office.windows(row),
            known,
            is_question=True,
            asks=question.asks,
        )
        return self.claimed.errands.append(errand)

    def _send(self, row: Any, reach: Reach, tries: list[Try], code: str | None) -> None:
        routes = self._keys(row, reach)
        while True:
            choice = choose_route(
                routes,
                tries,
                self.now,
                is_code=row.is_code,
                troubled=self.troubled,
                windows=self.office.windows(row),
            )
            if choice is None:
                return self._give_up(row, tries)
            if choice.due_at > self.now:
                return self._put_off(row, "queued", choice.due_at)
            if (morning := self._night_ends(row, choice.route)) is not None:
                return self._put_off(row, "queued", morning, waits_for=NIGHT)
            why = self._refusal(row, choice.route)
            if why is None:
                return self._begin(row, reach, routes, tries, choice.route, code)
            self._log_try(
                row, choice.route, outcome="skipped", code=why, explanation=SKIPS[why], ended_at=self.now
            )
            tries = [*tries, Try(choice.route, self.now, "skipped")]

    def _night_ends(self, row: Any, key: RouteKey) -> datetime | None:
        """When this SMS may go out, if it may not now; a code always may, and no other way is taken instead."""
        night = self.office.limits.night
        return night.end_after(self.now) if night and key[0] == SMS and not row.is_code else None

    def _refusal(self, row: Any, key: RouteKey) -> str | None:
        """Why this route may not be used for this message now: what SMS cost."""
        if key[0] != SMS or row.is_code:
            return None
        why = self.spent.refuses(_receiver(row))
        self.over_budget = self.over_budget or why == BUDGET
        return why

    def _begin(
        self,
        row: Any,
        reach: Reach,
        routes: Sequence[RouteKey],
        tries: list[Try],
        key: RouteKey,
        code: str | None,
    ) -> None:
        route = self.office.route(key)
        assert route is not None
        if key[0] == SMS and not row.is_code:
            self.spent.add(_receiver(row))
        attempt_id = self._log_try(row, key)
        outgoing = self._outgoing(row, route, reach.addresses[key[0]], code)
        known = [*tries, Try(key, self.now)]
        self.claimed.errands.append(
            Errand(row, route, attempt_id, self.now, outgoing, routes, self.office.windows(row), known)
        )

    def _log_try(self, row: Any, key: RouteKey, **ended: Any) -> UUID:
        id_ = uuid7()
        self.begun.append(
            {
                "id": id_,
                "message_id": row.id,
                "at": self.now,
                "channel": key[0],
                "provider": key[1],
                "is_code": row.is_code,
                **ended,
            }
        )
        return id_

    def _give_up(self, row: Any, tries: Sequence[Try]) -> None:
        if is_uncertain(tries):
            return self._put_off(row, "uncertain")
        if tries or row.person_id is None:
            return self._put_off(row, "failed", error=None if tries else NO_ROUTE)
        return self._put_off(row, "kept")  # they read it when they come

    def _put_off(
        self,
        row: Any,
        state: str,
        due_at: datetime | None = None,
        error: str | None = None,
        waits_for: str | None = None,
    ) -> None:
        self.claimed.put_off.append(PutOff(row.id, state, due_at, error, waits_for))

    def _keys(self, row: Any, reach: Reach) -> list[RouteKey]:
        """The routes to this person that carry such a message, channel by channel as the message has them."""
        name = name_of(row.process, row.template)
        return [
            (route.channel, route.provider)
            for channel in reach.addresses
            for route in self.office.routes
            if route.channel == channel and route.carries(name)
        ]

    def _outgoing(self, row: Any, route: Route, to: str, code: str | None) -> Outgoing:
        is_sms = route.channel == SMS
        return Outgoing(
            message_id=row.id,
            to=to,
            template=row.template,
            title=row.title,
            text=row.sms_text if is_sms and row.sms_text else row.text,
            at=self.now,
            params=row.params,
            code=code,
            process=row.process,
            instance_id=row.instance_id,
        )


def _receiver(row: Any) -> str:
    return str(row.person_id or row.to_phone)


async def _write(session: AsyncSession, desk: _Desk, now: datetime) -> None:
    if desk.died:
        closing = {"ids": desk.died, "repeated": desk.repeated, "now": now, "explanation": DIED}
        await session.execute(statements.CLOSE_TRIES, closing)
    if desk.begun:
        await session.execute(statements.BEGIN_TRIES, {"rows": orjson.dumps(desk.begun).decode()})
    if desk.claimed.put_off:
        rows = [
            {
                "id": one.message_id,
                "state": one.state,
                "due_at": one.due_at,
                "error": one.error,
                "waits_for": one.waits_for,
            }
            for one in desk.claimed.put_off
        ]
        await session.execute(statements.PUT_OFF, {"rows": orjson.dumps(rows).decode()})
    if desk.over_budget:
        await alarms.sound(session, ALL_SMS, BUDGET, SKIPS[BUDGET], now)
    elif desk.office.limits.sms_per_day and desk.spent.all:
        await alarms.close(session, ALL_SMS, now)

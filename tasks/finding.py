"""How a list of issues comes to its rows: every way is bounded, and all find the same rows (`tests/tasks/test_finding.py`).

What may be in the list comes from a stream, a stretch of an index in the list's own order: the issues of one's enterprise, those
that were at one's offices. A list is walked along its stream as long as that is cheap: what is common is found near the start.
What is rare is not, and is sought: the index of words and of what is fixed about an issue answers with few rows. What was common
once is sought one stretch of time after the other. Whether somebody may read a row is asked of every row, whichever way it came.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Label,
    String,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.access import list_readable_offices, readable_by, reads_all_of_enterprise
from domain.actor import Actor
from domain.models import Issue, IssueOffice, IssueWords
from domain.search import Words, hold
from tasks.pages import COUNTED, INFINITY

Sort = Literal["newest", "due"]
NEAR, FAR = 300, 3_000  # rows of a stream that are walked before anything else is tried
CHUNK = 20_000  # and at a time where there is no other way
SOUGHT = 8_000  # rows that the index of words may answer with
COUNT_SOUGHT = 2_000
COUNT_NEAR = {
    "nothing": COUNTED,
    "filter": 1_000,
    "words": 300,
}  # rows that are counted from, by what is asked of each
OPEN_MOST = 5_000  # open issues that are sorted by their deadline
OFFICES_MOST = 60  # with more offices one reads most issues: their stream is all of them
STRETCHES_MOST = 64  # of 49 days
DUE = func.coalesce(col(Issue.due_at), text(f"'{INFINITY}'::timestamptz"))


@dataclass(frozen=True)
class Asked:
    """What a list shows: to whom, with which values in these columns, with which words. `offices` are those of an officer."""

    actor: Actor
    values: dict[str, str]
    words: Words | None
    offices: Sequence[str] = ()
    number: str | None = None

    @property
    def rule(self) -> ColumnElement[bool]:
        """The condition on `Issue`, but for the words."""
        rules = [col(getattr(Issue, name)) == value for name, value in self.values.items()]
        if self.number:
            rules.append(_ends_with(self.number))
        return and_(readable_by(self.actor), *rules)

    @property
    def marks(self) -> list[str]:
        """What of it the index of words knows, besides the words."""
        marks = [
            f"{name[0]}:{self.values[name]}" for name in ("kind", "category", "office") if name in self.values
        ]
        return (
            [*marks, f"e:{self.actor.enterprise_id}"]
            if self.actor.enterprise_id and not self.offices
            else marks
        )

    @property
    def may_seek(self) -> bool:
        """Whether that index can answer with fewer rows than the stream has."""
        return bool(self.words or self.values.keys() & {"kind", "category", "office"})


@dataclass(frozen=True)
class Place:
    """Where a page begins: after this issue, in the order of ids or of deadlines."""

    id: UUID
    due: str = INFINITY


@dataclass(frozen=True)
class Step:
    """What one statement found: ids in the list's order, where it stopped, and whether nothing comes after."""

    ids: list[UUID]
    last: Place | None
    ended: bool


class Count(int):
    """So many, or (not `exact`) at least so many."""

    exact: bool

    def __new__(cls, number: int, *, exact: bool = True) -> Self:
        """Like a number."""
        made = super().__new__(cls, number)
        made.exact = exact
        return made


async def ask(session: AsyncSession, actor: Actor, values: dict[str, str], words: Words | None) -> Asked:
    """Everything that finding needs to know beforehand. A question that is an issue's number, or the end of one from the year on,
    is answered by the number alone where there is such an issue."""
    offices = await list_readable_offices(session, actor)
    asked = Asked(actor, values, words, offices)
    if words and (number := words.number):
        by_number = replace(asked, words=None, number=number, values={})
        if (await session.execute(select(col(Issue.id)).where(by_number.rule).limit(1))).first():
            return replace(by_number, values=values)
    return asked


async def find(
    session: AsyncSession, asked: Asked, sort: Sort, after: Place | None, limit: int
) -> list[UUID]:
    """The first so many issues of the list after this place, in its order."""
    if asked.number:
        return await _find_by_number(session, asked, sort, after, limit)
    if sort == "due":
        return await _find_due(session, asked, after, limit)
    return await _find_newest(session, asked, after, limit)


async def _find_by_number(
    session: AsyncSession, asked: Asked, sort: Sort, after: Place | None, limit: int
) -> list[UUID]:
    found = select(col(Issue.id)).where(asked.rule, *_beyond(sort, after))
    order = [DUE, col(Issue.id)] if sort == "due" else [col(Issue.id).desc()]
    return list(await session.scalars(found.order_by(*order).limit(limit)))


async def _find_newest(session: AsyncSession, asked: Asked, after: Place | None, limit: int) -> list[UUID]:
    stream = _newest_stream(asked, asked.values.get("phase"))
    found: list[UUID] = []
    for rows in (NEAR, FAR):
        step = await _walk(session, asked, stream, "newest", after, rows, limit - len(found))
        found += step.ids
        if step.ended or len(found) == limit:
            return found
        after = step.last
        if asked.words and asked.words.rows <= SOUGHT:
            break  # rare: the index knows where
    return found + await _find_far(session, asked, stream, after, limit - len(found))


async def _find_far(
    session: AsyncSession, asked: Asked, stream: Any, after: Place | None, limit: int
) -> list[UUID]:
    if asked.may_seek:
        sought = await _seek(session, asked, "newest", after, SOUGHT, limit)
        if sought.ended:
            return sought.ids
        found = await _seek_by_time(session, asked, after, limit)
        if found is not None:
            return found
    elif "status" in asked.values:
        stream = select(col(Issue.id).label("id")).where(col(Issue.status) == asked.values["status"])
    return await _walk_on(session, asked, stream, "newest", after, limit)


async def _find_due(session: AsyncSession, asked: Asked, after: Place | None, limit: int) -> list[UUID]:
    if asked.offices and asked.actor.enterprise_id is None:
        step = await _sort_open(session, asked, after, limit)
        if step.ended:
            return step.ids
    stream, found = _due_stream(asked), list[UUID]()
    for rows in (NEAR, FAR):
        step = await _walk(session, asked, stream, "due", after, rows, limit - len(found))
        found += step.ids
        if step.ended or len(found) == limit:
            return found
        after = step.last
    if asked.may_seek:
        sought = await _seek(session, asked, "due", after, SOUGHT, limit - len(found))
        if sought.ended:
            return found + sought.ids
    return found + await _walk_on(session, asked, stream, "due", after, limit - len(found))


async def _walk_on(
    session: AsyncSession, asked: Asked, stream: Any, sort: Sort, after: Place | None, limit: int
) -> list[UUID]:
    found: list[UUID] = []
    while True:
        step = await _walk(session, asked, stream, sort, after, CHUNK, limit - len(found))
        found += step.ids
        if step.ended or len(found) == limit:
            return found
        after = step.last


async def _walk(
    session: AsyncSession,
    asked: Asked,
    stream: Any,
    sort: Sort,
    after: Place | None,
    rows: int,
    limit: int,
) -> Step:
    """Look at so many rows of a stream, one after the other, until the page is full."""
    near = _stretch(stream, sort, after, rows).cte("near").prefix_with("MATERIALIZED")
    order = [near.c.due, near.c.id] if sort == "due" else [near.c.id.desc()]
    wanted = _checked(select(near.c.id), near, asked).order_by(*order).limit(literal_column(str(limit)))
    backwards = [near.c.due.desc(), near.c.id.desc()] if sort == "due" else [near.c.id]
    shown = [near.c.id, cast(near.c.due, Text).label("due")] if sort == "due" else [near.c.id]
    last = select(*shown).order_by(*backwards).limit(literal_column("1")).subquery("last")
    row = (
        await session.execute(
            select(
                func.array(wanted.scalar_subquery()).label("ids"),
                select(func.count()).select_from(near).scalar_subquery().label("rows"),
                last,
            ).select_from(select(literal(1)).subquery("always").outerjoin(last, true()))
        )
    ).one()
    place = Place(row.id, row.due if sort == "due" else INFINITY) if row.id else None
    return Step(list(row.ids), place, ended=row.rows < rows)


async def _seek(
    session: AsyncSession,
    asked: Asked,
    sort: Sort,
    after: Place | None,
    most: int,
    limit: int,
    *,
    stretch: str | None = None,
) -> Step:
    """All rows that the index of words answers with; not `ended` when they are more than so many."""
    near = _sought(asked, after.id if after and sort == "newest" else None, most, stretch)
    issue = (
        select(col(Issue.id).label("id"), DUE.label("due"))
        .where(col(Issue.id) == near.c.id, asked.rule, *_beyond(sort, after))
        .limit(literal_column("1"))
        .lateral("found")
    )
    order = [issue.c.due, issue.c.id] if sort == "due" else [issue.c.id.desc()]
    wanted = select(issue.c.id).select_from(near.join(issue, true())).order_by(*order)
    row = (
        await session.execute(
            select(
                func.array(wanted.limit(literal_column(str(limit))).scalar_subquery()).label("ids"),
                select(func.count()).select_from(near).scalar_subquery().label("rows"),
            )
        )
    ).one()
    return Step(list(row.ids), None, ended=row.rows <= most)


async def _seek_by_time(
    session: AsyncSession, asked: Asked, after: Place | None, limit: int
) -> list[UUID] | None:
    """The newest stretch of time first, until the page is full; None when there are too many of them."""
    ends = (
        await session.execute(
            select(
                *(
                    select(col(Issue.id)).order_by(way).limit(1).scalar_subquery()
                    for way in (col(Issue.id), col(Issue.id).desc())
                )
            )
        )
    ).one()
    first, last = (int(id_.hex[:4], 16) for id_ in (ends[0], after.id if after else ends[1]))
    if last - first >= STRETCHES_MOST:
        return None
    found: list[UUID] = []
    for stretch in range(last, first - 1, -1):
        step = await _seek(
            session, asked, "newest", after, CHUNK * 5, limit - len(found), stretch=f"t:{stretch:04x}"
        )
        found += step.ids
        if len(found) == limit:
            break
    return found


async def _sort_open(session: AsyncSession, asked: Asked, after: Place | None, limit: int) -> Step:
    """What is open at these offices, sorted by its deadline; not `ended` when that is more than can be sorted at once."""
    candidates = (
        select(col(IssueOffice.issue_id).label("id"))
        .where(col(IssueOffice.office).in_(asked.offices), col(IssueOffice.open))
        .limit(literal_column(str(OPEN_MOST + 1)))
        .cte("candidates")
        .prefix_with("MATERIALIZED")
    )
    near = (
        select(col(Issue.id).label("id"), DUE.label("due"))
        .where(col(Issue.id).in_(select(candidates.c.id)), asked.rule, *_beyond("due", after))
        .order_by(DUE, col(Issue.id))
        .cte("near")
        .prefix_with("MATERIALIZED")
    )
    wanted = _held(select(near.c.id), near, near, asked).order_by(near.c.due, near.c.id)
    row = (
        await session.execute(
            select(
                func.array(wanted.limit(literal_column(str(limit))).scalar_subquery()).label("ids"),
                select(func.count()).select_from(candidates).scalar_subquery().label("rows"),
            )
        )
    ).one()
    return Step(list(row.ids), None, ended=row.rows <= OPEN_MOST)


async def count(session: AsyncSession, asked: Asked, phases: Sequence[str]) -> dict[str, Count]:
    """How many of each phase, up to `COUNTED`; bounded in time as well: then it is at least so many."""
    counts = await _count_near(session, asked, phases)
    is_common = (
        asked.words is not None and asked.words.rows > COUNT_SOUGHT
    )  # the index would be read for nothing
    if (
        asked.may_seek
        and not is_common
        and not asked.number
        and not all(one.exact for one in counts.values())
    ):
        return await _count_sought(session, asked, phases) or counts
    return counts


async def _count_near(session: AsyncSession, asked: Asked, phases: Sequence[str]) -> dict[str, Count]:
    rows = COUNT_NEAR["words" if asked.words else "filter" if asked.values else "nothing"]
    columns: list[Label[Any]] = []
    for place, phase in enumerate(phases):
        of_phase = replace(asked, values={**asked.values, "phase": phase})
        stream: Any = (
            select(col(Issue.id).label("id")).where(of_phase.rule)
            if asked.number
            else _newest_stream(asked, phase)
        )
        near = _stretch(stream, "newest", None, rows).cte(f"near_{place}").prefix_with("MATERIALIZED")
        found = _checked(select(literal(1)), near, of_phase).limit(literal_column(str(COUNTED)))
        columns += [
            select(func.count()).select_from(found.subquery()).scalar_subquery().label(f"found_{place}"),
            select(func.count()).select_from(near).scalar_subquery().label(f"rows_{place}"),
        ]
    row = (await session.execute(select(*columns))).one()
    pairs = zip(row[::2], row[1::2], strict=True)
    return {
        phase: Count(found, exact=found == COUNTED or seen < rows)
        for phase, (found, seen) in zip(phases, pairs, strict=True)
    }


async def _count_sought(
    session: AsyncSession, asked: Asked, phases: Sequence[str]
) -> dict[str, Count] | None:
    near = _sought(asked, None, COUNT_SOUGHT, None)
    issue = (
        select(col(Issue.phase).label("phase"))
        .where(col(Issue.id) == near.c.id, asked.rule)
        .limit(literal_column("1"))
        .lateral("found")
    )
    total = select(func.count()).select_from(near).scalar_subquery()
    rows = (
        await session.execute(
            select(issue.c.phase, func.count(), total)
            .select_from(near.join(issue, true()))
            .group_by(issue.c.phase)
            .union_all(select(literal(None), literal(0), total))
        )
    ).all()
    if rows[0][2] > COUNT_SOUGHT:
        return None
    found = {phase: many for phase, many, _ in rows}
    return {phase: Count(min(found.get(phase, 0), COUNTED)) for phase in phases}


@dataclass(frozen=True)
class _Stations:
    """The issues that were at these offices, of this phase (None: of any), merged from one stretch of an index each. As text:
    composing sixteen offices for six tabs costs more than asking for them."""

    offices: Sequence[str]
    phase: str | None

    def stretch(self, after: Place | None, rows: int) -> Any:
        """The newest so many after this place."""
        given = {
            f"office_{place}": bindparam(f"office_{place}", code, String, unique=True)
            for place, code in enumerate(self.offices)
        }
        rules = "".join(
            f" AND {rule}"
            for rule in (self.phase and "phase = :phase", after and "issue_id < :before")
            if rule
        )
        newest = f"ORDER BY issue_id DESC LIMIT {rows}"  # of each: the planner would read and sort all of all
        parts = [
            f"(SELECT issue_id AS id FROM issue_office WHERE office = :{name}{rules} {newest})"
            for name in given
        ]
        if self.phase:
            given["phase"] = bindparam("phase", self.phase, String, unique=True)
        if after:
            given["before"] = bindparam("before", after.id, Uuid, unique=True)
        together = " UNION ALL ".join(parts)
        return (
            text(f"SELECT DISTINCT id FROM ({together}) AS stations ORDER BY id DESC LIMIT {rows}")
            .bindparams(*given.values())
            .columns(column("id", Uuid))
        )


def _newest_stream(asked: Asked, phase: str | None) -> Any:
    """Everything this person may read of this phase (None: of any), and perhaps more; the newest first once it is sorted."""
    is_member = asked.actor.enterprise_id is not None
    if 0 < len(asked.offices) <= OFFICES_MOST and not is_member:
        return _Stations(asked.offices, phase)
    stream = select(col(Issue.id).label("id"))
    if phase is not None:
        stream = stream.where(col(Issue.phase) == phase)
    if asked.offices:  # very many of them, or those of somebody who is a member as well
        return stream
    return stream.where(*_of_member(asked.actor)) if is_member else stream.where(false())


def _of_member(actor: Actor) -> list[ColumnElement[bool]]:
    if reads_all_of_enterprise(actor):
        return [col(Issue.enterprise_id) == actor.enterprise_id]
    return [col(Issue.submitter_id) == actor.person_id]  # with nothing beside it the index has it in order


def _due_stream(asked: Asked) -> Any:
    stream = select(col(Issue.id).label("id"), DUE.label("due"))
    if asked.actor.enterprise_id is not None and not asked.offices:
        return stream.where(col(Issue.enterprise_id) == asked.actor.enterprise_id)
    return stream


def _stretch(stream: Any, sort: Sort, after: Place | None, rows: int) -> Any:
    """So many rows of a stream in the list's order, after this place."""
    if isinstance(stream, _Stations):
        return stream.stretch(after, rows)
    order = [DUE, col(Issue.id)] if sort == "due" else [col(Issue.id).desc()]
    return stream.where(*_beyond(sort, after)).order_by(*order).limit(literal_column(str(rows)))


def _beyond(sort: Sort, after: Place | None) -> list[ColumnElement[bool]]:
    """The condition on `Issue` for what comes after this place."""
    rules: list[ColumnElement[bool]] = [col(Issue.closed_at).is_(None)] if sort == "due" else []
    if after is None:
        return rules
    if sort == "newest":
        return [*rules, col(Issue.id) < after.id]
    key = cast(literal(after.due), TIMESTAMP(timezone=True))
    return [*rules, tuple_(DUE, col(Issue.id)) > tuple_(key, literal(after.id))]


def _checked(wanted: Any, near: Any, asked: Asked) -> Any:
    """Of these rows those that are in the list. LATERAL with a limit: each row is looked up when it is its turn, and the planner
    cannot make one big join of it."""
    issue = (
        select(literal(1))
        .where(col(Issue.id) == near.c.id, asked.rule)
        .limit(literal_column("1"))
        .lateral("found")
    )
    return _held(wanted, near.join(issue, true()), near, asked)


def _held(wanted: Any, source: Any, near: Any, asked: Asked) -> Any:
    """Of these rows those that hold the words."""
    if not asked.words:
        return wanted.select_from(source)
    words = (
        select(literal(1))
        .where(col(IssueWords.issue_id) == near.c.id, hold(asked.words.words))
        .limit(literal_column("1"))
        .lateral("held")
    )
    return wanted.select_from(source.join(words, true()))


def _sought(asked: Asked, before: UUID | None, most: int, stretch: str | None) -> Any:
    words = asked.words or Words((), (), 0)
    marks = [*asked.marks, stretch] if stretch else asked.marks
    call = func.seek_issue_words(
        cast(literal(list(words.words), ARRAY(Text)), ARRAY(Text)),
        cast(literal(list(words.pieces), ARRAY(Text)), ARRAY(Text)),
        cast(literal(marks, ARRAY(Text)), ARRAY(Text)),
        cast(literal(before), Uuid),
        literal_column(str(most + 1)),
    ).column_valued("found_id")
    return select(call.label("id")).cte("sought").prefix_with("MATERIALIZED")


def _ends_with(number: str) -> ColumnElement[bool]:
    """The condition on `Issue`: its number is this, or ends so."""
    return func.reverse(col(Issue.number)).like(literal(number[::-1] + "%"))

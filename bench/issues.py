"""A world of many issues, the same every time: six years, fifteen offices of unlike sizes, enterprises from a few issues to a
twentieth of all, texts that differ. Some words stand in every issue, some in half, in one of twenty, of two hundred, of twenty
thousand; one was common until 2023 and is not any more.

Written with COPY, beside the program: triggers are off, what they would write is worked out here, and a sample is held against
the database's own functions afterwards.
"""

import random
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg

from domain.seed import ENTRIES, OFFICES

CHUNK = 10_000
FIRST, LAST = datetime(2021, 1, 4, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
OPEN_DAYS = 60  # older ones are closed
SHARES = {  # of the issues that hold the word
    "归类": 0.5,
    "查验": 0.4,
    "退税": 0.05,
    "保证金": 0.005,
    "暂时进出境": 0.00005,
}
OLD_WORD, OLD_SHARE, OLD_UNTIL = "银行台账", 0.3, datetime(2023, 6, 1, tzinfo=UTC)
OPEN_STATUSES = {
    "draft": ("草稿",),
    "review": ("高管未审核", "高管已退回"),
    "customs": ("海关待受理", "海关办理中", "重新办理"),
    "enterprise": ("待企业补充",),
    "answered": ("已完成",),
}
CLOSED_STATUSES = ("已清零", "已清零", "已清零", "已清零", "已撤回")
OPENINGS = (
    "请问海关，我司",
    "海关老师您好，本企业",
    "向海关咨询：我们公司",
    "我司为海关认证企业，",
)
ENDINGS = ("请海关予以明确，谢谢。", "盼海关尽快答复。", "请问海关应如何办理？", "望海关协助解决。")
ANSWERS = ("经核实，", "您好，来信收悉。", "根据有关规定，", "经与贵司联系，")
CODES = re.compile(r"[0-9a-z]{4,}", re.ASCII)
TABLES = {
    "process_instance": "id, definition_id, subject, state, state_name, status, phase, active_elements, version, started_at",
    "issue": "id, number, enterprise_id, submitter_id, executive_id, raised_by_executive, kind, category, office, title,"
    " description, contact, attachments, importance, status, phase, created_at, submitted_at, due_at, paused_s, answered_at,"
    " closed_at, outcome, round, transfers",
    "issue_office": "issue_id, office, since, phase, open",
    "issue_answer": "id, issue_id, round, office, text, attachments, answered_by, answered_at",
    "issue_words": "issue_id, question, answer, pieces, marks",
    "user_task": "id, instance_id, definition_id, element_id, name, state, version, candidate_groups, claimed_by, due_at,"
    " created_at",
    "user_task_group": "task_id, group_name, due_at, open",
}
PIECES_INDEX = "issue_words_pieces"
IS_SAME = """
SELECT count(*) FROM (SELECT * FROM issue_words TABLESAMPLE SYSTEM_ROWS(500)) AS s JOIN issue i ON i.id = s.issue_id
WHERE qingling_fold(concat_ws(' ', i.number, i.title, i.description)) <> s.question OR qingling_fold(s.answer) <> s.answer
    OR NOT (s.pieces @> qingling_pieces(concat_ws(' ', s.question, s.answer))
        AND s.pieces <@ qingling_pieces(concat_ws(' ', s.question, s.answer)))
    OR s.marks <> qingling_marks(i)
"""


@dataclass(frozen=True)
class Enterprise:
    """Who raises issues: an executive, and staff."""

    id: UUID
    executive: UUID
    staff: tuple[UUID, ...]


@dataclass(frozen=True)
class People:
    """Whose issues these are; the first enterprise and its first member have most."""

    definition: UUID
    enterprises: Sequence[Enterprise]
    handlers: dict[str, UUID]


class Writer:
    """Makes issues one after the other from one random number; their rows by table, as COPY reads them."""

    def __init__(self, people: People, many: int) -> None:
        self._random = random.Random(20261129)
        self._people = people
        self._many = many
        self._weights = [1 / (place + 3) for place in range(len(people.enterprises))]
        self._offices = [code for code, *_ in OFFICES[1:]]
        self._office_weights = [1 / (place + 2) for place in range(len(self._offices))]
        letters = [chr(0x4E00 + self._random.randrange(6000)) for _ in range(1500)]
        self._words = ["".join(self._random.sample(letters, 2)) for _ in range(6000)]
        self._word_weights = [1 / (place + 20) for place in range(len(self._words))]
        self._draws: list[str] = []
        self._drawn = 0

    def make(self, number: int) -> dict[str, str]:
        """The rows of one issue, lines by table."""
        rng = self._random
        at = FIRST + (LAST - FIRST) * ((number + rng.random()) / self._many)
        id_ = make_id(rng, at)
        enterprise = rng.choices(self._people.enterprises, self._weights)[0]
        submitter = enterprise.staff[min(int(rng.expovariate(1.2)), len(enterprise.staff) - 1)]
        office = rng.choices(self._offices, self._office_weights)[0]
        kind, category = rng.choice(ENTRIES["kind"]), rng.choice(ENTRIES["category"])
        phase, status = self._stage(at)
        serial = f"QL{office}{at.year}{number + 1:06d}"
        title, description, answer = self._texts(at, category)
        was_answered = phase == "closed" or phase == "answered"
        if not was_answered:
            answer = ""
        due = at + timedelta(days=rng.randrange(5, 20))
        closed = at + timedelta(days=25) if phase == "closed" else None
        question, folded = fold(f"{serial} {title} {description}"), fold(answer)
        marks = [f"e:{enterprise.id}", f"k:{kind}", f"c:{category}", f"o:{office}", f"t:{str(id_)[:4]}"]
        outcome = None if closed is None else "withdrawn" if status == "已撤回" else "cleared"
        sent = phase not in ("draft", "review")
        definition = self._people.definition
        rows = {
            "process_instance": line(
                id_, definition, title, "\\\\x", "ended" if closed else "active", status, phase, "{}", 1, at
            ),
            "issue": line(
                id_,
                serial,
                enterprise.id,
                submitter,
                enterprise.executive if sent else None,
                False,
                kind,
                category,
                office,
                title,
                description,
                "13700000000",
                "{}",
                "一般",
                status,
                phase,
                at,
                at if sent else None,
                due if sent else None,
                0,
                at + timedelta(days=4) if was_answered else None,
                closed,
                outcome,
                0,
                0,
            ),
            "issue_words": line(id_, question, folded, array(pieces(f"{question} {folded}")), array(marks)),
        }
        if sent:
            been = [office, rng.choice(self._offices)] if rng.random() < 0.08 else [office]
            rows["issue_office"] = "".join(
                line(id_, code, at, phase, closed is None) for code in dict.fromkeys(been)
            )
        if answer:
            handler = self._people.handlers[office]
            answered = at + timedelta(days=4)
            rows["issue_answer"] = line(
                make_id(rng, answered), id_, 0, office, answer, "{}", handler, answered
            )
        if phase == "customs":
            task, group = make_id(rng, at), f"handler:{office}"
            holder = self._people.handlers[office] if status == "海关办理中" else None
            rows["user_task"] = line(
                task,
                id_,
                definition,
                "answer_issue",
                "办理问题",
                "ready",
                1,
                array([group]),
                holder,
                due,
                at,
            )
            rows["user_task_group"] = line(task, group, due, holder is None)
        return rows

    def _stage(self, at: datetime) -> tuple[str, str]:
        rng = self._random
        if LAST - at > timedelta(days=OPEN_DAYS) or rng.random() < 0.3:
            return "closed", rng.choice(CLOSED_STATUSES)
        phase = rng.choices(tuple(OPEN_STATUSES), (5, 8, 40, 7, 40))[0]
        return phase, rng.choice(OPEN_STATUSES[phase])

    def _texts(self, at: datetime, category: str) -> tuple[str, str, str]:
        rng = self._random
        special = [word for word, share in SHARES.items() if rng.random() < share]
        if at < OLD_UNTIL and rng.random() < OLD_SHARE:
            special.append(OLD_WORD)
        noise = self._noise(rng.randrange(8, 45))
        cut = rng.randrange(len(noise) + 1)
        title = f"{category}：{''.join(noise[:3])}{special[0] if special else ''}"
        code = (
            f"商品编码{rng.randrange(1000, 9800):04d}{rng.randrange(10**6):06d}" if rng.random() < 0.4 else ""
        )
        declared = f"，报关单号{rng.randrange(10**18):018d}" if rng.random() < 0.3 else ""
        middle = "、".join(special)
        description = (
            f"{rng.choice(OPENINGS)}{'，'.join(noise[3:cut])}{middle}，{code}{declared}。"
            f"{'，'.join(noise[cut:])}。{rng.choice(ENDINGS)}"
        )
        answer = f"{rng.choice(ANSWERS)}{'，'.join(self._noise(rng.randrange(10, 60)))}，由海关税收部门答复。"
        return title, description, answer

    def _noise(self, many: int) -> list[str]:
        if self._drawn + many > len(self._draws):
            self._draws, self._drawn = self._random.choices(self._words, self._word_weights, k=50_000), 0
        self._drawn += many
        return self._draws[self._drawn - many : self._drawn]


def make_id(rng: random.Random, at: datetime) -> UUID:
    """An id as `db.ids.uuid7` makes them, of this moment."""
    ms = int(at.timestamp() * 1000)
    return UUID(int=ms << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62))


def fold(body: str) -> str:
    """What `qingling_fold` makes of it; nothing here is invisible."""
    return unicodedata.normalize("NFKC", body).lower()


def pieces(folded: str) -> list[str]:
    """What `qingling_pieces` finds in it, in any order."""
    letters = "".join(" " if letter.isspace() else letter for letter in folded)
    found = set(letters) | {a + b for a, b in pairwise(letters) if a != " " and b != " "}
    found.discard(" ")
    for run in CODES.findall(folded):
        found |= {run[at : at + 4] for at in range(len(run) - 3)}
    return list(found)


def array(values: Sequence[str]) -> str:
    """An array of texts (of which none needs escaping but for the quotes) as COPY reads it."""
    return '{"' + '","'.join(values) + '"}'


def line(*values: Any) -> str:
    """One row as COPY reads it."""
    return "\t".join("\\N" if value is None else str(value) for value in values) + "\n"


def fill(connection: psycopg.Connection[Any], people: People, many: int) -> float:
    """Write so many issues; the seconds it took, with the index of words and the statistics."""
    started = time.monotonic()
    row = connection.execute("SELECT pg_get_indexdef(to_regclass(%s))", [PIECES_INDEX]).fetchone()
    assert row is not None
    connection.execute(f"DROP INDEX {PIECES_INDEX}".encode())
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for chunk in _chunks(Writer(people, many), many):
            for table, rows in chunk.items():
                with connection.cursor().copy(f"COPY {table} ({TABLES[table]}) FROM STDIN".encode()) as copy:
                    copy.write("".join(rows))
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute(row[0])
    for table in TABLES:
        connection.execute(f"VACUUM (ANALYZE) {table}".encode())
    connection.execute(f"SELECT setval('issue_number_seq', {many + 1})".encode())
    connection.execute("CREATE EXTENSION IF NOT EXISTS tsm_system_rows")
    different = connection.execute(IS_SAME).fetchone()
    assert different == (0,), f"{different} rows are not what the triggers would have written"
    return time.monotonic() - started


def _chunks(writer: Writer, many: int) -> Iterator[dict[str, list[str]]]:
    for start in range(0, many, CHUNK):
        chunk: dict[str, list[str]] = {table: [] for table in TABLES}
        for number in range(start, min(start + CHUNK, many)):
            for table, rows in writer.make(number).items():
                chunk[table].append(rows)
        yield chunk

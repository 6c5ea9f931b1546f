"""Nothing but the tables of needs knows the diagrams by heart: with every element and word of both called otherwise the demo
plays as it does."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from db.session import make_sessions, sqlalchemy_url
from domain.files.store import FolderStore
from domain.seed import seed
from engine.catalogue import read_folder
from engine.elements import FLOW_NODES
from engine.instances import Engine
from tasks.demo import play_demo
from tasks.needs import NEEDS
from tests.tasks.test_demo import STATUSES
from tests.tasks.world import PROCESSES

OTHER = "别的"
_WORDS = re.compile("[\u4e00-\u9fff][\u4e00-\u9fff，。、（）“”：\\d ]*")
_TAG = re.compile(r"<bpmn\w*:\w+[^>]*>")
_REFERENCE = re.compile(r'\b(id|sourceRef|targetRef|attachedToRef|bpmnElement|default)="([^"]+)"')
_TEXT = re.compile(r">([^<>]+)</bpmn:(incoming|outgoing|flowNodeRef)>")


def rename(process: str) -> dict[str, str]:
    """The files of a process with other ids (but those that its table of needs lists) and other words in the diagram."""
    files = read_folder(PROCESSES, process)
    diagram = files[f"{process}.bpmn"]
    kinds = "|".join(sorted([*FLOW_NODES, "sequenceFlow"]))
    ids = set(re.findall(rf'<bpmn:(?:{kinds}) id="([^"]+)"', diagram))
    others = {
        id_: f"other_{number}"
        for number, id_ in enumerate(sorted(ids - {one.name for one in NEEDS[process].elements}))
    }

    def other(id_: str) -> str:
        return others.get(id_, id_)

    diagram = _TAG.sub(
        lambda tag: _REFERENCE.sub(lambda found: f'{found[1]}="{other(found[2])}"', tag[0]), diagram
    )
    diagram = _TEXT.sub(lambda found: f">{other(found[1])}</bpmn:{found[2]}>", diagram)
    read = re.compile(rf"\b({'|'.join(map(re.escape, others))})\.(?=[a-z])")
    diagram = read.sub(lambda found: f"{other(found[1])}.", diagram)
    changed = {f"{process}.bpmn": _WORDS.sub(lambda found: OTHER + found[0], diagram)}
    for name, body in files.items():
        folder, _, file = name.rpartition("/")
        if name.endswith(".form"):
            changed[f"{folder}/{other(file.removesuffix('.form'))}.form"] = body
        elif file not in ("cases.yaml", f"{process}.bpmn"):
            changed[name] = body
    return changed


@pytest.fixture
async def sessions(
    database_url: str, issue_engine: Engine, now: datetime
) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    database = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    made = make_sessions(database)
    async with made.begin() as session:
        await seed(session)
        for key in ("issue", "registration"):
            await issue_engine.catalogue.deploy(session, key, rename(key), actor=None, now=now)
    yield made
    await database.dispose()


async def test_the_demo_plays_with_every_element_and_word_called_otherwise(
    sessions: async_sessionmaker[AsyncSession], issue_engine: Engine, now: datetime, tmp_path: Path
) -> None:
    assert await play_demo(sessions, issue_engine, FolderStore(tmp_path), now) >= 40
    async with sessions() as session:
        statuses = set((await session.execute(text("SELECT DISTINCT status FROM issue"))).scalars())
        assert statuses == {OTHER + status for status in STATUSES}
        elements = set((await session.execute(text("SELECT DISTINCT element_id FROM user_task"))).scalars())
        assert all(element.startswith("other_") for element in elements) and len(elements) >= 7
        overdue = await session.scalar(text("SELECT count(*) FROM issue WHERE overdue_at IS NOT NULL"))
        assert overdue

"""Deployed versions: numbered, immutable, nothing deployed when nothing changed; what a folder holds; refusal with findings."""

import asyncio
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from db.session import sqlalchemy_url
from engine.catalogue import Catalogue, hash_files, normalise, read_folder
from engine.exceptions import DiagramRefused, UnknownProcess
from engine.expressions import Evaluator
from tests.engine.small_processes import FUNCTIONS, OPERATORS, draw_order

ORDER = draw_order()


def make_catalogue() -> Catalogue:
    return Catalogue(Evaluator(FUNCTIONS).functions, OPERATORS)


async def test_versions_are_numbered_and_the_newest_is_found(session: AsyncSession, now: datetime) -> None:
    catalogue, actor = make_catalogue(), uuid4()
    first, first_is_new = await catalogue.deploy(session, "order", ORDER, actor=actor, now=now)
    second, second_is_new = await catalogue.deploy(
        session, "order", draw_order(remark="二"), actor=actor, now=now
    )
    assert (first.version, first_is_new, second.version, second_is_new) == (1, True, 2, True)
    assert await catalogue.newest(session, "order") == second
    assert (second.deployed_by, second.deployed_at) == (actor, now)


async def test_deploying_the_same_files_again_changes_nothing(session: AsyncSession, now: datetime) -> None:
    catalogue = make_catalogue()
    first, _ = await catalogue.deploy(session, "order", ORDER, actor=None, now=now)
    other_editor = {name: body.replace("\n", "\r\n") for name, body in reversed(ORDER.items())}
    again, is_new = await catalogue.deploy(session, "order", other_editor, actor=None, now=now)
    assert again == first
    assert not is_new


async def test_going_back_to_earlier_files_makes_them_the_newest_version(
    session: AsyncSession, now: datetime
) -> None:
    catalogue = make_catalogue()
    first, _ = await catalogue.deploy(session, "order", ORDER, actor=None, now=now)
    await catalogue.deploy(session, "order", draw_order(remark="二"), actor=None, now=now)
    back, is_new = await catalogue.deploy(session, "order", ORDER, actor=None, now=now)
    assert (back.version, is_new, back.content_hash) == (3, True, first.content_hash)
    assert await catalogue.newest(session, "order") == back


async def test_of_many_that_deploy_at_once_one_makes_the_version(database_url: str, now: datetime) -> None:
    engine = create_async_engine(sqlalchemy_url(database_url))
    sessions = async_sessionmaker(engine)

    async def deploy() -> tuple[int, bool]:
        async with sessions.begin() as session:
            definition, is_new = await make_catalogue().deploy(session, "order", ORDER, actor=None, now=now)
            return definition.version, is_new

    assert sorted(await asyncio.gather(*(deploy() for _ in range(5)))) == [(1, False)] * 4 + [(1, True)]
    await engine.dispose()


async def test_a_deployed_definition_cannot_be_changed(session: AsyncSession, now: datetime) -> None:
    await make_catalogue().deploy(session, "order", ORDER, actor=None, now=now)
    with pytest.raises(IntegrityError, match="never changed"):
        await session.execute(text("UPDATE process_definition SET version = 7"))


async def test_a_parsed_definition_is_read_once(session: AsyncSession, now: datetime) -> None:
    catalogue = make_catalogue()
    definition, _ = await catalogue.deploy(session, "order", ORDER, actor=None, now=now)
    parsed = await catalogue.load(session, definition.id)
    assert parsed.key == "order"
    assert parsed.elements["check_order"].name == "审核订单"
    assert await catalogue.load(session, definition.id) is parsed


async def test_what_is_not_deployed_is_unknown(session: AsyncSession) -> None:
    with pytest.raises(UnknownProcess):
        await make_catalogue().newest(session, "nothing")
    with pytest.raises(UnknownProcess):
        await make_catalogue().load(session, uuid4())


@pytest.mark.parametrize(
    ("old", "new", "element"),
    [('id="price_order"', 'id="launch_rocket"', "set_price"), ('sourceRef="began"', 'sourceRef="gone"', "")],
    ids=["unknown operator", "dangling flow"],
)
async def test_a_wrong_diagram_is_refused_and_leaves_no_version(
    session: AsyncSession, now: datetime, old: str, new: str, element: str
) -> None:
    catalogue = make_catalogue()
    files = ORDER | {"order.bpmn": ORDER["order.bpmn"].replace(old, new)}
    with pytest.raises(DiagramRefused) as refused:
        await catalogue.deploy(session, "order", files, actor=None, now=now)
    assert any(
        finding.file == "order.bpmn" and element in finding.element for finding in refused.value.findings
    )
    with pytest.raises(UnknownProcess):
        await catalogue.newest(session, "order")


async def test_a_process_is_deployed_under_its_own_id_only(session: AsyncSession, now: datetime) -> None:
    with pytest.raises(DiagramRefused):
        await make_catalogue().deploy(session, "invoice", ORDER, actor=None, now=now)


def test_a_folder_holds_the_diagram_its_files_and_the_tables_it_calls(tmp_path: Path) -> None:
    call = "<spiffworkflow:calledDecisionId>decide_fee</spiffworkflow:calledDecisionId>"
    (tmp_path / "order.bpmn").write_text(f"\ufeff<definitions>\r\n{call}</definitions>")
    (tmp_path / "fees.dmn").write_text('<definitions><decision name="费" id="decide_fee"/></definitions>')
    (tmp_path / "other.dmn").write_text('<definitions><decision id="decide_other"/></definitions>')
    (tmp_path / "order").mkdir()
    (tmp_path / "order" / "fill_order.form").write_text("{}")
    (tmp_path / "order" / "texts.yaml").write_text("a: b")
    (tmp_path / "order" / "picture.png").write_bytes(b"\x89PNG\xff")
    files = read_folder(tmp_path, "order")
    assert list(files) == ["fees.dmn", "order.bpmn", "order/fill_order.form", "order/texts.yaml"]
    assert files["order.bpmn"] == f"<definitions>\n{call}</definitions>"


@pytest.mark.parametrize("key", ["invoice", "../order", ""])
def test_a_folder_without_the_diagram_is_unknown(tmp_path: Path, key: str) -> None:
    (tmp_path / "order.bpmn").write_text("<definitions/>")
    with pytest.raises(UnknownProcess):
        read_folder(tmp_path, key)


def test_the_hash_sees_names_and_texts_and_where_one_ends() -> None:
    hashes = [hash_files(files) for files in ({"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "bd"})]
    assert len(set(hashes)) == 4
    assert hash_files(normalise({"b": "1\r\n", "a": "2"})) == hash_files(normalise({"a": "2", "b": "1\n"}))

"""What is put together: processes deployed once, differences told, checks of a folder, the worker's work."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

import wiring
from domain.working_days import LIBRARY_YEARS, WorkingCalendar
from engine.exceptions import DiagramRefused
from messages.routes import DemoRoute
from settings import Settings
from tasks.jobs import tell_unknown_years


def settings_for(tmp_path: Path, database_url: str) -> Settings:
    return Settings(demo=True, data_dir=tmp_path, database_url=database_url, secret_key=SecretStr("test"))


async def count(settings: Settings, statement: str) -> int:
    async with wiring.open_parts(settings, settings.database_url or "") as wired, wired.sessions() as session:
        return int(await session.scalar(text(statement)) or 0)


async def test_preparing_twice_deploys_once(tmp_path: Path, database_url: str) -> None:
    settings = settings_for(tmp_path, database_url)
    for _ in range(2):
        assert await wiring.prepare(settings, database_url, demo_data=False) == []
    assert await count(settings, "SELECT count(*) FROM process_definition WHERE key = 'issue'") == 1
    assert await count(settings, "SELECT count(*) FROM customs_office") > 10


async def test_a_changed_folder_is_reported_and_deployed_only_when_asked(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "data", database_url)
    await wiring.prepare(settings, database_url, demo_data=False)
    folder = tmp_path / "processes"
    copytree(wiring.PROCESSES, folder)
    diagram = folder / "issue.bpmn"
    diagram.write_text(diagram.read_text().replace('name="填写问题"', 'name="写问题"'))
    monkeypatch.setattr(wiring, "PROCESSES", folder)
    [line] = await wiring.prepare(settings, database_url, demo_data=False)
    assert "issue" in line and "deploy" in line
    assert await count(settings, "SELECT max(version) FROM process_definition WHERE key = 'issue'") == 1
    assert await wiring.deploy_processes(settings, database_url, folder, ["issue"]) == [
        "issue：版本 2，已部署。"
    ]
    assert await wiring.deploy_processes(settings, database_url, folder, ["issue"]) == [
        "issue：版本 2，没有变化。"
    ]


async def test_only_the_demo_delivers_to_the_demos_table(tmp_path: Path, database_url: str) -> None:
    settings = settings_for(tmp_path, database_url)
    async with wiring.open_parts(settings, database_url) as wired:
        async with wiring.open_message_routes(wired) as routes:
            assert [(route.channel, type(route)) for route in routes] == [
                (channel, DemoRoute) for channel in ("wechat", "sms", "mail")
            ]
        real = replace(wired, settings=settings.model_copy(update={"demo": False}))
        with capture_logs() as logs:
            async with wiring.open_message_routes(real) as routes:
                assert routes == []
    assert [(one["event"], one["log_level"]) for one in logs] == [("messages.no_sms", "warning")]


async def test_what_is_set_up_is_a_route_also_in_the_demo(tmp_path: Path, database_url: str) -> None:
    changes = {
        "mail_host": "127.0.0.1",
        "mail_from": "qingling@example.cn",
        "wechat_app_id": "wx0123456789abcdef",
        "wechat_secret": SecretStr("s" * 32),
    }
    settings = settings_for(tmp_path, database_url).model_copy(update=changes)
    async with (
        wiring.open_parts(settings, database_url) as wired,
        wiring.open_message_routes(wired) as routes,
    ):
        assert [(route.channel, route.provider) for route in routes] == [
            ("wechat", "wechat"),
            ("mail", "smtp"),
            ("sms", "demo"),
        ]


def test_checking_names_file_element_and_rule(tmp_path: Path) -> None:
    copytree(wiring.PROCESSES, tmp_path / "p")
    diagram = tmp_path / "p" / "issue.bpmn"
    diagram.write_text(diagram.read_text().replace("days(15)", "fortnights(15)"))
    [finding] = wiring.check_processes([diagram])
    assert "issue.bpmn" in finding and "evaluate_answer" in finding and "unknown-function" in finding
    (tmp_path / "p" / "issue" / "answer_issue.form").unlink()
    assert any("answer_issue" in one for one in wiring.check_processes([diagram]))


async def test_a_text_with_an_unknown_placeholder_is_neither_passed_nor_deployed(
    tmp_path: Path, database_url: str
) -> None:
    folder = tmp_path / "processes"
    copytree(wiring.PROCESSES, folder)
    texts = folder / "issue" / "texts.yaml"
    texts.write_text(
        texts.read_text().replace("请及时认领，答复期限为 {due}", "请及时认领，答复期限为 {until}")
    )
    [line] = wiring.check_processes([folder / "issue.bpmn"])
    assert "issue/texts.yaml：arrived：" in line and "{until}" in line and "bad-placeholder" in line
    settings = settings_for(tmp_path / "data", database_url)
    with pytest.raises(DiagramRefused, match="until"):
        await wiring.deploy_processes(settings, database_url, folder, ["issue"])
    assert await count(settings, "SELECT count(*) FROM process_definition") == 0


def test_a_text_that_is_missing_is_named_with_the_step_that_sends_it(tmp_path: Path) -> None:
    copytree(wiring.PROCESSES, tmp_path / "p")
    texts = tmp_path / "p" / "issue" / "texts.yaml"
    texts.write_text(texts.read_text().replace("arrived:", "landed:"))
    [line] = wiring.check_processes([tmp_path / "p" / "issue.bpmn"])
    assert "notify_" in line and "arrived" in line and "text-missing" in line


def test_a_year_without_holidays_is_told_in_time() -> None:
    calendar = WorkingCalendar()
    last = datetime(max(LIBRARY_YEARS), 12, 31, tzinfo=UTC)
    with capture_logs() as logs:
        tell_unknown_years(calendar, last - timedelta(days=31))
        assert logs == []
        tell_unknown_years(calendar, last - timedelta(days=20))
    assert [(one["event"], one["years"]) for one in logs] == [("calendar.years_unknown", [last.year + 1])]


async def test_the_demo_is_played_once(tmp_path: Path, database_url: str) -> None:
    settings = settings_for(tmp_path, database_url)
    first = await wiring.prepare(settings, database_url)
    assert len(first) == 1 and "演示数据" in first[0]
    assert await wiring.prepare(settings, database_url) == []
    assert await count(settings, "SELECT count(*) FROM issue") > 30
    assert await count(settings, "SELECT count(*) FROM incident") == 0
    # As a version would have left it that counted by the clock: it is said how many were worked out anew, once.
    async with wiring.open_parts(settings, database_url) as wired, wired.sessions.begin() as session:
        await session.execute(text("UPDATE issue SET pauses = NULL, due_at = due_at + interval '1 day'"))
    [line] = await wiring.prepare(settings, database_url)
    assert re.search(r"重算了没有办结的 \d\d 件，其中 \d\d? 件改到了更晚的日子，没有一件提前", line)
    assert await wiring.prepare(settings, database_url) == []
    people = await wiring.show_demo_people(settings, database_url)
    assert any("13800000001" in line for line in people)

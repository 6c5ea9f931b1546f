"""The program as its users meet it: as processes of their own, on folders and ports of their own."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import psutil
import pytest
from typer.testing import CliRunner

import wiring
from cli import PROCESSES, app
from tests.engine.bad_diagrams import BAD, GOOD_FILES
from tests.wechat.fake_wechat import APP_ID, SECRET, FakeWechat

ROOT = Path(__file__).parents[1]


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """One short command."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Copy:
    """`qingling serve` on a folder and a port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.started: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it can serve."""
        self.started = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "--port", str(self.port), "--data", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        until(lambda: self.ready() or self.process.poll() is not None)
        assert self.process.poll() is None, self.output.read()

    @property
    def process(self) -> "subprocess.Popen[str]":
        """The command itself, once it was started."""
        assert self.started is not None
        return self.started

    def close(self) -> None:
        """Whatever a test left running is ended."""
        if self.started is None:
            return
        if self.started.poll() is None:
            self.stop()
        self.output.close()

    @property
    def output(self) -> IO[str]:
        """What the command prints."""
        assert self.process.stdout is not None
        return self.process.stdout

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.origin}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def children(self, command: str) -> list[psutil.Process]:
        """The live children that run this command."""
        alive: list[psutil.Process] = []
        for one in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # it died meanwhile
                if command in one.cmdline():
                    alive.append(one)
        return alive

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


def until(happens: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for something that another process brings about."""
    give_up_at = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    tmp_path.chmod(0o711)
    copy = Copy(tmp_path / "data")
    yield copy
    copy.close()


def test_serve_starts_survives_a_killed_web_process_and_stops_cleanly(copy: Copy) -> None:
    copy.start()
    [web] = copy.children("web")
    web.send_signal(signal.SIGKILL)
    until(lambda: [one for one in copy.children("web") if one.pid != web.pid])
    until(copy.ready)
    family = psutil.Process(copy.process.pid).children(recursive=True)
    assert len(copy.children("worker")) == 1
    assert copy.stop() == 0
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_serve_leaves_port_and_folder_free(copy: Copy) -> None:
    copy.start()
    copy.process.send_signal(signal.SIGKILL)
    copy.process.wait()
    copy.output.close()
    copy.start()
    assert copy.ready()
    assert copy.stop() == 0


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), "--data", str(tmp_path))
    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


def test_a_command_without_a_database_says_what_to_do(tmp_path: Path) -> None:
    result = run("web", "--data", str(tmp_path), QINGLING_DATABASE_URL="")
    assert result.returncode == 1
    assert "QINGLING_DATABASE_URL" in result.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    result = run("web", "--data", str(tmp_path), QINGLING_STOP_TIMEOUT_S="soon")
    assert result.returncode == 2
    assert "QINGLING_STOP_TIMEOUT_S" in result.stderr


def test_the_first_administrators_are_made_once_and_told_their_password_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    asked = ["--data", str(tmp_path / "data"), "--name", "管一"]
    first = run("admin", "create", *asked, "--role", "system_admin", "--phone", "13700000001")
    assert first.returncode == 0, first.stderr
    assert re.search(r"：[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}$", first.stdout.strip())
    assert not re.search(r"[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}", first.stderr)
    again = run("admin", "create", *asked, "--role", "system_admin", "--phone", "13700000002")
    assert again.returncode == 1 and "--replace" in again.stderr and "13700000001" not in again.stderr
    number = ["--phone", "13700000002", "--replace", "13700000001"]
    replaced = run("admin", "create", *asked, "--role", "system_admin", *number)
    assert replaced.returncode == 0, replaced.stderr


def test_web_and_worker_run_on_the_quicker_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[str] = []

    async def note(_settings: Any, _database: str, *listeners: socket.socket) -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)
        for listener in listeners:
            listener.close()

    for name in ("run_web", "run_worker"):
        monkeypatch.setattr(wiring, name, note)
    elsewhere = {"QINGLING_DATABASE_URL": "postgresql://nowhere/nothing", "QINGLING_DATA_DIR": str(tmp_path)}
    for command in (["web", "--port", "0"], ["worker"]):
        assert CliRunner().invoke(app, [*command, "--demo"], env=elsewhere).exit_code == 0
    assert loops == ["uvloop", "uvloop"]


def test_check_accepts_our_own_processes() -> None:
    result = run("check")
    assert result.returncode == 0, result.stdout
    assert result.stdout.strip() == "没有发现问题。"


BAD_FILES = {
    "broken.bpmn": b"this is no XML",
    "doctype.bpmn": b'<!DOCTYPE x [<!ENTITY a "b">]><definitions>&a;</definitions>',
    "huge.bpmn": b"<a>" + b"x" * 5_000_000 + b"</a>",
    "binary.bpmn": b"\xff\xfe\x00\x01",
    "empty.bpmn": b"",
}


def test_check_names_each_file_and_the_rule(tmp_path: Path) -> None:
    for name, content in BAD_FILES.items():
        (tmp_path / name).write_bytes(content)
    result = run("check", *(str(tmp_path / name) for name in (*BAD_FILES, "nothing.bpmn")))
    assert result.returncode == 1, result.stdout
    lines = result.stdout.splitlines()
    for name in (*BAD_FILES, "nothing.bpmn"):
        assert [line for line in lines if name in line], f"{name}: {result.stdout}"
    assert "Traceback" not in result.stderr


def test_check_names_every_mistake_in_a_folder_of_bad_diagrams(tmp_path: Path) -> None:
    asks = ("not-given", "not-declared")  # of processes that the program itself starts
    bad = {
        f"{number}": each
        for number, each in enumerate(BAD)
        if each.rule not in asks and each.file.startswith("small")
    }
    told = '<spiffworkflow:parameter id="template" type="any" value="&quot;told&quot;"/>'
    to = told.replace("template", "to").replace("told", "supervisors")  # the program's notify needs it
    for number, each in bad.items():
        for name, body in each.build().items():
            file = tmp_path / number / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(body.replace(told, told + to), encoding="utf-8")
    result = run("check", *(str(tmp_path / number) for number in bad))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    found = {tuple(line.removeprefix(f"{tmp_path}/").split("/", 1)) for line in result.stdout.splitlines()}
    missed = [
        each.what
        for number, each in bad.items()
        if not any(folder == number and line.endswith(f"（{each.rule}）") for folder, line in found)
    ]
    assert missed == []


def test_check_takes_files_of_any_name_and_says_which_cannot_be_deployed(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    file = tmp_path / "C.1.0 (2).bpmn"
    file.write_text(GOOD_FILES["small.bpmn"], encoding="utf-8")
    result = run("check", str(tmp_path), str(tmp_path / "none"))
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert [line for line in lines if "C.1.0 (2).bpmn：" in line and line.endswith("（file-name）。")]
    assert [line for line in lines if "C.1.0 (2).bpmn：fill：" in line and "（form-missing）" in line]
    assert [line for line in lines if line.startswith(f"{tmp_path}/none：") and "没有流程图" in line]


def test_check_advises_on_what_has_no_effect_and_passes(tmp_path: Path) -> None:
    shutil.copytree(PROCESSES, tmp_path / "p")
    diagram = tmp_path / "p" / "issue.bpmn"
    note = '<bpmn:textAnnotation id="note"><bpmn:text>注意</bpmn:text></bpmn:textAnnotation>'
    body = diagram.read_text(encoding="utf-8").replace("</bpmn:process>", f"{note}</bpmn:process>")
    diagram.write_text(body, encoding="utf-8")
    result = run("check", str(tmp_path / "p"))
    assert result.returncode == 0, result.stdout
    advice, nothing = result.stdout.splitlines()
    assert advice.startswith("建议：") and "issue.bpmn" in advice and "文字注释 1 个" in advice
    assert nothing == "没有发现问题。"


class TestWechatMenu:
    """`qingling wechat menu` against a WeChat on this machine."""

    @pytest.fixture
    def wechat(self) -> Iterator[FakeWechat]:
        with FakeWechat() as wechat:
            yield wechat

    @staticmethod
    def send(
        wechat: FakeWechat, folder: Path, menu: str, database: str
    ) -> "subprocess.CompletedProcess[str]":
        file = folder / "menu.toml"
        file.write_text(menu)
        return run(
            "wechat",
            "menu",
            QINGLING_DATABASE_URL=database,
            QINGLING_DATA_DIR=str(folder),
            QINGLING_DEMO="1",
            QINGLING_WECHAT_MENU=str(file),
            QINGLING_WECHAT_APP_ID=APP_ID,
            QINGLING_WECHAT_SECRET=SECRET,
            QINGLING_WECHAT_API_URL=wechat.url,
            QINGLING_PUBLIC_ORIGIN="https://qingling.example.cn",
        )

    def test_the_menu_of_the_file_is_the_accounts(
        self, wechat: FakeWechat, tmp_path: Path, database_url: str
    ) -> None:
        told = self.send(wechat, tmp_path, MENU, database_url)
        assert (told.returncode, told.stderr) == (0, "")
        assert "微信已接受这个菜单" in told.stdout
        assert wechat.menu == {
            "button": [{"type": "view", "name": "问题清零", "url": "https://qingling.example.cn/w"}]
        }

    def test_what_wechat_or_the_file_has_against_it_is_said(
        self, wechat: FakeWechat, tmp_path: Path, database_url: str
    ) -> None:
        wechat.answer_next("menu/create", 48001)
        refused = self.send(wechat, tmp_path, MENU, database_url)
        assert refused.returncode == 1 and "48001" in refused.stderr and "Traceback" not in refused.stderr
        wrong = self.send(wechat, tmp_path, MENU.replace("path", "pfad"), database_url)
        assert wrong.returncode == 1 and "button 1" in wrong.stderr
        assert wechat.menu is None
        unset = run("wechat", "menu", QINGLING_DATABASE_URL=database_url, QINGLING_DATA_DIR=str(tmp_path))
        assert unset.returncode == 1 and "QINGLING_WECHAT_MENU" in unset.stderr


MENU = '[[buttons]]\nname = "问题清零"\npath = "/w"\n'

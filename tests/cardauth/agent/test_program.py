"""The program as people start it: its own process, a terminal for the PIN, the demo's soft cards; what it prints, logs
and leaves behind."""

import os
import signal
import subprocess
import sys
import termios
import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from cardauth.demo_cards import make_demo_cards
from tests.cardauth.agent.process import ROOT, AgentProcess
from tests.cardauth.agent.verifying import is_signed

SITE = "http://127.0.0.1:8000"
NONCE = bytes(range(32))
SIGN = {"nonce": b64encode(NONCE).decode(), "purpose": "sign_in", "certificate": None}
PIN = "123456"


@pytest.fixture
def cards(tmp_path: Path, now: datetime) -> Path:
    """The demo's folder with one card plugged in."""
    folder = tmp_path / "demo-cards"
    make_demo_cards(folder, now)
    for name in ("legal-person", "officer"):
        (folder / "cards" / f"{name}.pem").unlink()
    return folder


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cardauth.agent", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_page_gets_a_token_for_a_pin_typed_in_the_terminal(cards: Path, tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    with (
        AgentProcess("--demo-card", str(cards), environment={"QINGLING_AGENT_LOG_FILE": str(log)}) as agent,
        ThreadPoolExecutor(1) as pool,
    ):
        assert agent.call("GET", "/status", SITE)[1]["state"] == "ready"
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        shown = agent.type_pin(PIN)
        status, token = answer.result()
        assert (status, is_signed(token, SITE, NONCE)) == (200, True)
        assert all(words in shown for words in (SITE, "用卡登录", "陆知行", "钱塘云锦"))
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        agent.type_pin("654321")
        status, refusal = answer.result()
        assert (status, refusal["code"], refusal["tries"]) == (422, "wrong_pin", "low")
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        assert "输错过" in agent.type_pin("")
        assert answer.result()[1]["code"] == "cancelled"
        assert PIN not in agent.screen, "it is not echoed"
    told = log.read_text()
    assert f"/sign {SITE} ok" in told
    secrets = (
        PIN,
        "654321",
        "陆知行",
        "钱塘",
        token["certificate"][:40],
        token["signature"][:40],
        SIGN["nonce"],
    )
    assert [secret for secret in secrets if str(secret) in told] == []


def test_the_pin_is_in_no_argument_and_no_environment(cards: Path) -> None:
    seen: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for process in psutil.Process(agent._process.pid).children(recursive=True):
                try:
                    seen.append(" ".join([*process.cmdline(), *process.environ().values()]))
                except psutil.Error:
                    continue
            time.sleep(0.005)

    with AgentProcess("--demo-card", str(cards)) as agent, ThreadPoolExecutor(2) as pool:
        pool.submit(look)
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        agent.type_pin(PIN)
        assert answer.result()[0] == 200
        stop.set()
    assert len(seen) > 5
    assert not any(PIN in line for line in seen)


def test_ending_the_program_ends_what_it_started(cards: Path) -> None:
    with AgentProcess("--demo-card", str(cards)) as agent, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        agent.wait_for_prompt()
        children = psutil.Process(agent._process.pid).children(recursive=True)
        assert len(children) >= 2, "a worker and a prompt"
        agent._process.send_signal(signal.SIGTERM)
        assert agent._process.wait(10) == 0
        assert psutil.wait_procs(children, timeout=10)[1] == []
        assert answer.exception() or answer.result()[0] != 200


def test_killing_the_program_leaves_no_prompt_behind(cards: Path) -> None:
    with AgentProcess("--demo-card", str(cards)) as agent, ThreadPoolExecutor(1) as pool:
        pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        agent.wait_for_prompt()
        children = psutil.Process(agent._process.pid).children(recursive=True)
        agent._process.kill()
        assert psutil.wait_procs(children, timeout=10)[1] == []


def test_what_is_plugged_in_is_told_once(cards: Path) -> None:
    result = run("status", "--demo-card", str(cards))
    assert (result.returncode, result.stdout) == (0, "卡已插好，可以使用。\n  演示操作员卡（normal）\n")
    (cards / "cards" / "operator.pem").unlink()
    assert run("status", "--demo-card", str(cards)).returncode == 1


def test_a_console_without_chinese_does_not_stop_it(cards: Path) -> None:
    result = run("status", "--demo-card", str(cards), PYTHONIOENCODING="ascii")
    assert (result.returncode, "operator" in result.stderr, "?" in result.stdout) == (0, False, True)


def test_help_names_every_option() -> None:
    result = run("--help")
    assert result.returncode == 0
    assert all(
        option in result.stdout for option in ("--settings", "--origin", "--port", "--demo-card", "status")
    )


@pytest.mark.parametrize(
    ("says", "arguments", "environment"),
    [
        ("没有许可任何网站", (), {}),
        ("端口", ("--origin", SITE, "--port", "{taken}"), {}),
        ("不带路径", ("--origin", "evil"), {}),
        ("没有演示卡", ("--demo-card", "/nowhere"), {}),
        ("找不到设置文件", ("--settings", "/nowhere.toml"), {}),
        ("写不了日志文件", ("--origin", SITE), {"QINGLING_AGENT_LOG_FILE": "/nowhere/log"}),
        ("1 到 600", ("--origin", SITE), {"QINGLING_AGENT_TYPING_TIMEOUT_S": "many"}),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_a_sentence(
    says: str, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(*(part.replace("{taken}", port) for part in arguments), **environment)
    assert (result.returncode, says in result.stderr, "Traceback" in result.stderr) == (1, True, False)


def test_without_a_module_the_status_says_what_is_missing(tmp_path: Path) -> None:
    result = run("status", QINGLING_AGENT_MODULES=str(tmp_path / "vendor.so"))
    assert (result.returncode, "vendor.so" in result.stdout, "没有找到卡的驱动程序" in result.stdout) == (
        1,
        True,
        True,
    )


def test_a_card_pulled_in_the_middle(cards: Path, tmp_path: Path) -> None:
    with AgentProcess("--demo-card", str(cards)) as agent, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        agent.wait_for_prompt()
        (cards / "cards" / "operator.pem").rename(tmp_path / "operator.pem")
        status, refusal = answer.result()
        assert (status, refusal["code"]) == (409, "card_removed")
        assert termios.tcgetattr(agent._terminal)[3] & termios.ECHO, "what is typed next is seen again"
        assert agent.call("GET", "/status", SITE)[1]["state"] == "no_card"


def test_a_card_is_chosen_in_the_terminal(tmp_path: Path, now: datetime) -> None:
    folder = tmp_path / "demo-cards"
    make_demo_cards(folder, now)
    with AgentProcess("--demo-card", str(folder)) as agent, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(agent.call, "POST", "/sign", SITE, SIGN)
        agent.choose(1)
        agent.type_pin(PIN)
        status, token = answer.result()
        assert (status, token["algorithm"], is_signed(token, SITE, NONCE)) == (200, "RS256", True)

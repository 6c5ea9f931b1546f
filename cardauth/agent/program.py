"""The program `qingling-card-agent`: serve until it is stopped, or say once what is plugged in."""

import argparse
import contextlib
import io
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cardauth.agent.cards import State
from cardauth.agent.desk import Desk
from cardauth.agent.drivers import find_missing, open_demo_cards, open_modules
from cardauth.agent.refusals import AgentRefusal, NoWindow
from cardauth.agent.server import ADDRESS, AgentServer
from cardauth.agent.settings import AgentSettings, SettingsWrong, check_origin, read_settings, usual_file
from cardauth.agent.version import VERSION
from cardauth.agent.worker import OpenDriver

DEMO_ORIGINS = ("http://127.0.0.1:8000", "http://localhost:8000")
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class CannotStart(Exception):
    """读卡程序无法启动。"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; its exit code."""
    multiprocessing.freeze_support()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # into a file on a Windows whose code page has no Chinese
    asked = read_arguments(arguments)
    try:
        settings = read_all(asked)
        start_log(settings)
        desk = Desk(settings, choose_cards(asked.demo_card, settings))
        return tell_status(desk) if asked.command == "status" else serve(settings, desk)
    except (SettingsWrong, CannotStart) as error:
        complain(str(error))
        return 1


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(
        prog="qingling-card-agent",
        description="企业问题清零的读卡程序：让许可的网站使用法人卡和操作员卡，卡密码只在本机输入。",
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "status"),
        default="serve",
        help="serve（默认）：一直运行；status：查看驱动、读卡器和卡，然后退出",
    )
    parser.add_argument(
        "--settings", type=Path, metavar="文件", help=f"设置文件，默认 {usual_file()}".replace("%", "%%")
    )
    parser.add_argument(
        "--origin", action="append", default=[], metavar="网站", help="再许可一个网站，可以重复"
    )
    parser.add_argument("--port", type=int, metavar="端口", help="监听的端口；0 为任意空闲端口")
    parser.add_argument("--prompt", choices=("auto", "window", "terminal"), help="在窗口还是在终端输入卡密码")
    parser.add_argument(
        "--demo-card", type=Path, metavar="目录", help="使用演示系统目录中的软卡，不需要读卡器"
    )
    parser.add_argument("--version", action="version", version=VERSION)
    return parser.parse_args(arguments)


def read_all(asked: argparse.Namespace) -> AgentSettings:
    """The settings, with what was typed on top. Raises SettingsWrong, CannotStart."""
    settings = read_settings(asked.settings, os.environ)
    origins = (*settings.origins, *map(check_origin, asked.origin))
    if asked.demo_card:
        origins = (*origins, *DEMO_ORIGINS)
    if not origins and asked.command == "serve":
        raise CannotStart(
            "设置中没有许可任何网站（origins）。请写上系统的网址，例如 https://qingling.example.cn。"
        )
    settings = replace(settings, origins=origins)
    if asked.port is not None:
        settings = replace(settings, port=asked.port)
    return replace(settings, prompt=asked.prompt) if asked.prompt else settings


def choose_cards(demo: Path | None, settings: AgentSettings) -> OpenDriver:
    """How the worker process opens cards. Raises CannotStart."""
    if lacking := find_missing(demo=demo is not None):
        raise CannotStart(f"缺少 {lacking[0]}。请这样安装：pip install 'qingling[{lacking[1]}]'")
    if demo is None:
        return partial(open_modules, settings)
    folder = demo / "cards"
    if not folder.is_dir():
        raise CannotStart(f"目录 {demo} 里没有演示卡。请先用 ./dev run 启动演示系统，它会制作演示卡。")
    return partial(open_demo_cards, folder.absolute())


def start_log(settings: AgentSettings) -> None:
    """To a file, or to the error output (which a program without a console does not have)."""
    try:
        logging.basicConfig(
            level=logging.INFO,
            format=LOG_FORMAT,
            filename=settings.log_file,
            encoding="utf-8" if settings.log_file else None,
        )
    except OSError as error:
        raise CannotStart(f"写不了日志文件 {settings.log_file}：{error}") from error


def tell_status(desk: Desk) -> int:
    """Print once what is plugged in; 0 when a card is ready."""
    try:
        status = desk.status()
    except AgentRefusal as refusal:
        say(f"{refusal.message}（{refusal.detail or refusal.code}）")
        return 1
    say(status["message"], *filter(None, [status["detail"]]))
    for card in status["cards"]:
        say(f"  {card['label']}（{card['tries']}）")
    return 0 if status["state"] in (State.READY, State.FINAL_TRY) else 1


def serve(settings: AgentSettings, desk: Desk) -> int:
    """Until Ctrl+C or a signal. Raises CannotStart when the port is taken."""
    try:
        server = AgentServer(settings, desk)
    except OSError as error:
        raise CannotStart(f"端口 {settings.port} 已被占用：读卡程序可能已经在运行。") from error
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    say(f"读卡程序已启动：http://{ADDRESS}:{server.server_port}")
    say(f"许可的网站：{'、'.join(sorted(server.origins))}")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("读卡程序已停止。")
    return 0


def complain(text: str) -> None:
    """To the console; where there is none, in a window: somebody waits for a program that does not come."""
    if sys.stderr is not None:
        print(f"qingling-card-agent: {text}", file=sys.stderr)  # noqa: T201
        return
    with contextlib.suppress(ImportError, NoWindow):
        from cardauth.agent.window import show_message

        show_message(text)


def say(*lines: str) -> None:
    """To the console, where there is one (on Windows, `qingling-card-agent-w` has none)."""
    if sys.stdout is not None:
        print(*lines, sep="\n", flush=True)  # noqa: T201

"""The PIN prompt on the terminal that the agent was started from, for machines without a screen. Lives in the prompt process."""

import getpass
import sys
from typing import IO

from cardauth.agent.prompt import Choice, Question, Typed
from cardauth.agent.refusals import NoWindow

INPUT, OUTPUT = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")


def ask_in_terminal(question: Question) -> Typed | None:
    """An empty line gives up. Raises NoWindow when there is no terminal."""
    try:
        with (
            open(INPUT, encoding="utf-8") as source,  # noqa: PTH123 - Windows' consoles are no paths
            open(OUTPUT, "w", encoding="utf-8") as shown,  # noqa: PTH123
        ):
            return ask(question, source, shown)
    except OSError as error:
        raise NoWindow(detail="neither a screen nor a terminal") from error


def ask(question: Question, source: IO[str], shown: IO[str]) -> Typed | None:
    """Which site, what for, which card; then the PIN, which is not echoed."""
    lines = (
        "",
        f"网站 {question.origin} 请求使用您的卡。",
        f"用途：{question.purpose_text}。不是您本人的操作，请直接按回车键取消。",
    )
    print(*lines, sep="\n", file=shown, flush=True)
    number = choose_card(question.choices, source, shown)
    if number is None:
        return None
    choice = question.choices[number]
    print(f"卡：{choice.title}", *filter(None, [choice.warning]), sep="\n", file=shown, flush=True)
    while pin := getpass.getpass("卡密码："):
        if fault := choice.find_fault(pin):
            print(fault, file=shown, flush=True)
            continue
        print("正在读卡……", file=shown, flush=True)
        return Typed(number, pin)
    print("已取消。", file=shown, flush=True)
    return None


def choose_card(choices: tuple[Choice, ...], source: IO[str], shown: IO[str]) -> int | None:
    """The number of the chosen card; None when the person gives up. One card needs no choice."""
    if len(choices) == 1:
        return 0
    for number, choice in enumerate(choices, 1):
        print(f"  {number}. {choice.title}", file=shown)
    while True:
        print("请输入卡的序号：", end="", file=shown, flush=True)
        line = source.readline().strip()
        if not line:
            return None
        if line.isascii() and line.isdigit() and 1 <= int(line) <= len(choices):
            return int(line) - 1
        print(f"请输入 1 到 {len(choices)} 之间的数字。", file=shown)

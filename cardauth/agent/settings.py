"""Everything that may be set: in a TOML file, and by environment variables `QINGLING_AGENT_*`, which count more.

Each is explained in docs/card-agent.md. The file decides which code (a vendor's module) is loaded and which sites may
ask, so the usual place is one that only an administrator of the PC writes to.
"""

import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "QINGLING_AGENT_"
FILE_VARIABLE = f"{PREFIX}SETTINGS"
ALGORITHMS = ("ES256", "RS256", "PS256", "SM2SM3")
PROMPTS = ("auto", "window", "terminal")
SM2_INPUTS = ("digest", "message")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LONGEST_CARD_TIMEOUT_S = 30.0


class SettingsWrong(Exception):
    """设置有误。"""


@dataclass(frozen=True)
class AgentSettings:
    """The settings of one agent; `read_settings` reads them."""

    modules: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    port: int = 61580
    prompt: str = "auto"
    typing_timeout_s: float = 120.0
    card_timeout_s: float = LONGEST_CARD_TIMEOUT_S
    algorithms: tuple[str, ...] = ALGORITHMS
    sm2_mechanism: int | None = None
    sm2_input: str = "digest"
    log_file: str | None = None


def usual_file() -> Path:
    """Where the settings lie when nothing else is said."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "Qingling" / "card-agent.toml"
    return Path("/etc/qingling/card-agent.toml")


def read_settings(path: Path | None, environment: Mapping[str, str]) -> AgentSettings:
    """From this file (or the one the environment names, or the usual one), and the environment. Raises SettingsWrong."""
    named = path or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    values = read_file(named or usual_file(), must_exist=named is not None)
    known = {setting.name for setting in fields(AgentSettings)}
    if unknown := sorted(set(values) - known):
        raise SettingsWrong(f"设置文件中有不认识的项目：{'、'.join(unknown)}。")
    for name in known:
        if text := environment.get(f"{PREFIX}{name.upper()}", "").strip():
            values[name] = text
    return AgentSettings(**{name: CHECKS[name](name, value) for name, value in values.items()})


def read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    """What stands in a settings file. Raises SettingsWrong."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # Windows' editor writes a BOM
    except FileNotFoundError:
        if must_exist:
            raise SettingsWrong(f"找不到设置文件 {path}。") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsWrong(f"读不了设置文件 {path}：{error}") from error


def check_origin(origin: str) -> str:
    """`https://qingling.example.cn` as a browser sends it. Plain http only for this machine itself. Raises SettingsWrong."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise SettingsWrong(f"网站地址 {origin} 不对。") from None
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    exact = f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, usual) else "")
    if usual is None or not host or "*" in host or not host.isascii() or origin != exact:
        raise SettingsWrong(f"网站地址 {origin} 不对，应当像 https://qingling.example.cn 这样，不带路径。")
    if parts.scheme == "http" and shown not in LOOPBACK:
        raise SettingsWrong(f"网站地址 {origin} 不是 https：浏览器不允许这样的网页使用读卡程序。")
    return origin


def read_texts(name: str, value: Any) -> tuple[str, ...]:
    """A list in the file; one text with commas in the environment."""
    items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise SettingsWrong(f"设置项 {name} 应当是文字的列表。")
    return tuple(items)


def read_modules(name: str, value: Any) -> tuple[str, ...]:
    """Whole paths only: a bare name would be looked for in folders that others write to."""
    paths = read_texts(name, value)
    if wrong := [path for path in paths if not Path(path).is_absolute()]:
        raise SettingsWrong(f"设置项 {name} 中的 {'、'.join(wrong)} 应当写完整的路径。")
    return paths


def read_origins(name: str, value: Any) -> tuple[str, ...]:
    return tuple(check_origin(origin) for origin in read_texts(name, value))


def read_algorithms(name: str, value: Any) -> tuple[str, ...]:
    chosen = read_texts(name, value)
    if not chosen or not set(chosen) <= set(ALGORITHMS):
        raise SettingsWrong(f"设置项 {name} 只能从 {'、'.join(ALGORITHMS)} 中选择。")
    return chosen


def read_whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number, in the environment also as 0x…"""
    try:
        number = int(value, 0) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise SettingsWrong(f"设置项 {name} 应当是 {low} 到 {high} 的整数。")
    return number


def read_seconds(name: str, value: Any, high: float) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 1 <= seconds <= high:
        raise SettingsWrong(f"设置项 {name} 应当是 1 到 {high:g} 秒。")
    return seconds


def read_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise SettingsWrong(f"设置项 {name} 只能从 {'、'.join(choices)} 中选择。")
    return value


def read_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SettingsWrong(f"设置项 {name} 应当是文字。")
    return value


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "modules": read_modules,
    "origins": read_origins,
    "port": lambda name, value: read_whole(name, value, 0, 65535),
    "prompt": lambda name, value: read_choice(name, value, PROMPTS),
    "typing_timeout_s": lambda name, value: read_seconds(name, value, 600),
    "card_timeout_s": lambda name, value: read_seconds(name, value, LONGEST_CARD_TIMEOUT_S),
    "algorithms": read_algorithms,
    "sm2_mechanism": lambda name, value: read_whole(name, value, 1, 0xFFFFFFFF),
    "sm2_input": lambda name, value: read_choice(name, value, SM2_INPUTS),
    "log_file": read_text,
}

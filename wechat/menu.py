"""The account's menu: a TOML file (docs/wechat.md), checked before WeChat sees it, and the call that puts it there.

Limits: https://developers.weixin.qq.com/doc/service/api/custommenu/api_createcustommenu.html (November 2026).
"""

import tomllib
from pathlib import Path
from typing import Any

from wechat.client import WechatClient
from wechat.exceptions import MenuWrong

MOST_BUTTONS, MOST_SUB_BUTTONS = 3, 5
NAME_MAX_BYTES, SUB_NAME_MAX_BYTES = 16, 60
URL_MAX_BYTES = 1024


def read_menu(path: Path, origin: str) -> dict[str, Any]:
    """The menu of this file, its paths below `origin`. Raises MenuWrong."""
    try:
        return build_menu(path.read_text(encoding="utf-8"), origin)
    except (OSError, UnicodeDecodeError) as error:
        raise MenuWrong(f"{path}: cannot be read") from error
    except MenuWrong as error:
        raise MenuWrong(f"{path}: {error}") from error


def build_menu(text: str, origin: str) -> dict[str, Any]:
    """The body of `menu/create`. Raises MenuWrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MenuWrong(f"not TOML: {error}") from error
    buttons = data.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MOST_BUTTONS or data.keys() != {"buttons"}:
        raise MenuWrong(f"1 to {MOST_BUTTONS} [[buttons]], and nothing else")
    return {"button": [_button(f"button {n}", one, origin) for n, one in enumerate(buttons, 1)]}


async def put_menu(client: WechatClient, menu: dict[str, Any]) -> None:
    """Replace the account's menu. Raises SendError."""
    await client.call("/cgi-bin/menu/create", body=menu)


def _button(place: str, entry: Any, origin: str) -> dict[str, Any]:
    if not isinstance(entry, dict) or "buttons" not in entry:
        return _link(place, entry, origin, NAME_MAX_BYTES)
    subs = entry["buttons"]
    if (
        entry.keys() != {"name", "buttons"}
        or not isinstance(subs, list)
        or not 1 <= len(subs) <= MOST_SUB_BUTTONS
    ):
        raise MenuWrong(f"{place}: a name and 1 to {MOST_SUB_BUTTONS} buttons")
    links = [_link(f"{place}.{n}", one, origin, SUB_NAME_MAX_BYTES) for n, one in enumerate(subs, 1)]
    return {"name": _name(place, entry["name"], NAME_MAX_BYTES), "sub_button": links}


def _link(place: str, entry: Any, origin: str, name_max: int) -> dict[str, str]:
    if not isinstance(entry, dict) or entry.keys() not in ({"name", "path"}, {"name", "url"}):
        raise MenuWrong(f"{place}: a name, and a path here or a url elsewhere")
    target = entry.get("path", entry.get("url"))
    starts = "/" if "path" in entry else ("https://", "http://")
    if not isinstance(target, str) or not target.startswith(starts) or target.startswith("//"):
        raise MenuWrong(f"{place}: a path begins with /, a url with https://")
    url = origin + target if "path" in entry else target
    if len(url.encode()) > URL_MAX_BYTES:
        raise MenuWrong(f"{place}: the address is longer than {URL_MAX_BYTES} bytes")
    return {"type": "view", "name": _name(place, entry["name"], name_max), "url": url}


def _name(place: str, name: Any, most: int) -> str:
    if not isinstance(name, str) or not name.strip() or len(name.encode()) > most:
        raise MenuWrong(f"{place}: a name of at most {most} bytes ({most // 3} Chinese characters)")
    return name

"""The menu: from the file to WeChat, and its mistakes named."""

from pathlib import Path

import pytest

from sending import OperatorNeeded
from tests.wechat.fake_wechat import FakeWechat
from wechat.client import WechatClient
from wechat.exceptions import MenuWrong
from wechat.menu import build_menu, put_menu, read_menu

ORIGIN = "https://qingling.example.cn"
DOCS = (Path(__file__).parents[2] / "docs" / "wechat.md").read_text()


async def test_the_example_in_the_documentation_becomes_the_menu(
    client: WechatClient, wechat: FakeWechat, tmp_path: Path
) -> None:
    file = tmp_path / "menu.toml"
    file.write_text(DOCS.split("```toml\n")[2].split("```")[0])
    await put_menu(client, read_menu(file, ORIGIN))
    assert wechat.menu is not None
    assert [button["name"] for button in wechat.menu["button"]] == ["问题清零", "我的", "服务"]
    assert wechat.menu["button"][0] == {"type": "view", "name": "问题清零", "url": f"{ORIGIN}/w"}
    assert wechat.menu["button"][2]["sub_button"][1]["url"] == "http://www.customs.gov.cn/"


async def test_wechats_refusal_is_passed_on(client: WechatClient, wechat: FakeWechat) -> None:
    wechat.answer_next("menu/create", 48001)
    with pytest.raises(OperatorNeeded, match="48001"):
        await put_menu(client, build_menu('[[buttons]]\nname = "a"\npath = "/w"', ORIGIN))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[", "not TOML"),
        ("", "1 to 3"),
        ("x = 1\n[[buttons]]\nname = 'a'\npath = '/w'", "nothing else"),
        ("[[buttons]]\nname = 'a'\npath = '/w'\n" * 4, "1 to 3"),
        ("[[buttons]]\nname = '六个汉字太长'\npath = '/w'", "button 1: a name of at most 16 bytes"),
        ("[[buttons]]\nname = ' '\npath = '/w'", "button 1: a name"),
        ("[[buttons]]\nname = 'a'", "button 1: a name, and a path"),
        ("[[buttons]]\nname = 'a'\npath = '/w'\nurl = 'https://x'", "button 1: a name, and a path"),
        ("[[buttons]]\nname = 'a'\npath = 'w'", "button 1: a path begins with /"),
        ("[[buttons]]\nname = 'a'\npath = '//evil.example'", "button 1: a path begins with /"),
        ("[[buttons]]\nname = 'a'\nurl = 'javascript:x'", "button 1: a path begins with /"),
        (f"[[buttons]]\nname = 'a'\npath = '/{'x' * 1024}'", "longer than 1024"),
        ("[[buttons]]\nname = 'a'\nbuttons = []", "button 1: a name and 1 to 5"),
        ("[[buttons]]\nname = 'a'\n" + "[[buttons.buttons]]\nname = 'b'\npath = '/w'\n" * 6, "1 to 5"),
        ("[[buttons]]\nname = 'a'\n[[buttons.buttons]]\nname = 1\npath = '/w'", "button 1.1: a name"),
        ("buttons = [1]", "button 1"),
    ],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(MenuWrong, match=said.replace("[", r"\[")):
        build_menu(text, ORIGIN)


def test_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MenuWrong, match="cannot be read"):
        read_menu(tmp_path / "none.toml", ORIGIN)

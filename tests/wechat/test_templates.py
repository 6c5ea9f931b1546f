"""The file of templates: what it says, and every mistake in it named before anything is sent."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sending import OperatorNeeded
from tests.wechat.conftest import TEMPLATES
from wechat.exceptions import TemplatesWrong
from wechat.sender import Notice
from wechat.templates import WechatTemplates, fill

ID = "Tplate0000000000000000000000000000000000001"
ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "wechat.md").read_text()


def one(fields: str, kind: str = "template", id_: str = ID) -> str:
    return f'[templates.t]\nkind = "{kind}"\nid = "{id_}"\n[templates.t.fields]\n{fields}\n'


def mistakes(text: str) -> str:
    with pytest.raises(TemplatesWrong) as wrong:
        WechatTemplates.from_toml(text)
    return str(wrong.value)


def test_it_knows_which_templates_wechat_can_carry() -> None:
    templates = WechatTemplates.from_toml(TEMPLATES)
    assert templates.names == {"issue_answered", "issue_waiting"}
    assert templates.find("issue_waiting").kind == "subscribe"
    with pytest.raises(OperatorNeeded, match="no template"):
        templates.find("something_else")
    assert WechatTemplates.from_file(None).names == frozenset()
    assert WechatTemplates.from_toml("").names == frozenset()


def test_the_example_in_the_documentation_is_right(
    tmp_path: Path, make_notice: Callable[..., Notice]
) -> None:
    example = DOCS.split("```toml\n")[1].split("```")[0]
    file = tmp_path / "templates.toml"
    file.write_text(example)
    templates = WechatTemplates.from_file(file)
    texts = yaml.safe_load((ROOT / "processes" / "issue" / "texts.yaml").read_text(encoding="utf-8"))
    assert templates.names == {"issue.answered", "issue.review_wanted"} <= {f"issue.{name}" for name in texts}
    data = fill(templates.find("issue.answered"), make_notice(params={"number": "2026-0007"}))
    assert data["character_string2"] == {"value": "2026-0007"}


def test_params_come_before_the_notices_own_parts(make_notice: Callable[..., Notice]) -> None:
    template = WechatTemplates.from_toml(one('thing1 = { from = "title" }')).find("t")
    assert fill(template, make_notice())["thing1"]["value"] == "您的问题已有办理结果"
    assert fill(template, make_notice(params={"title": "另一个"}))["thing1"]["value"] == "另一个"


def test_a_listed_value_is_one_of_the_list(make_notice: Callable[..., Notice]) -> None:
    text = one('const1 = { from = "side", values = ["企业", "海关"], otherwise = "企业" }')
    template = WechatTemplates.from_toml(text).find("t")
    assert fill(template, make_notice(params={"side": "海关"}))["const1"]["value"] == "海关"
    assert fill(template, make_notice(params={"side": "别人"}))["const1"]["value"] == "企业"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[", "not TOML"),
        ("x = 1", "x: unknown"),
        ("templates = 1", "templates: has to be a table"),
        ("[templates]\nt = 1", "templates.t: has to be a table"),
        (one('thing1 = { text = "x" }', kind="sms"), "templates.t.kind: one of template, subscribe"),
        (one('thing1 = { text = "x" }', id_="short"), "templates.t.id"),
        (one(""), "templates.t.fields: at least one"),
        (one('first = { text = "x" }'), "templates.t.fields.first: WeChat has no such type"),
        (one('thing1 = "x"'), "templates.t.fields.thing1: has to be a table"),
        (one("thing1 = { }"), "templates.t.fields.thing1: either `from` or `text`"),
        (one('thing1 = { from = "a", text = "b" }'), "either `from` or `text`"),
        (one('thing1 = { form = "a" }'), "templates.t.fields.thing1.form: unknown"),
        (one("thing1 = { from = 1 }"), "templates.t.fields.thing1.from: a text"),
        (
            one('phrase1 = { text = "等待企业补充" }'),
            "templates.t.fields.phrase1.text: WeChat would refuse it",
        ),
        (one('thing1 = { from = "a", otherwise = "二\\n三" }'), "thing1.otherwise: WeChat would refuse it"),
        (one('const1 = { from = "a" }'), "templates.t.fields.const1.values"),
        (one('const1 = { text = "b", values = ["a"] }'), "const1.text: WeChat would refuse it"),
        (one('thing1 = { from = "a", values = 1 }'), "thing1.values: a list of texts"),
        (one('thing1 = { text = "x" }') + "extra = 1\n", "templates.t.fields.extra"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, said: str) -> None:
    assert said in mistakes(text)


def test_all_mistakes_are_named_at_once() -> None:
    assert len(mistakes(one('first = { text = "x" }\nthing1 = { }', kind="sms", id_="x")).splitlines()) == 4


def test_a_file_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(TemplatesWrong, match="cannot be read"):
        WechatTemplates.from_file(tmp_path / "nothing.toml")
    (tmp_path / "t.toml").write_text("x = 1")
    with pytest.raises(TemplatesWrong, match=r"t\.toml: x: unknown"):
        WechatTemplates.from_file(tmp_path / "t.toml")

"""The pages about one's own account, by a browser without JavaScript."""

from tests.api.conftest import PASSWORD
from tests.api.test_passwords import GOOD, make_change
from tests.pages.conftest import Visitor, World


async def test_an_officer_changes_the_password(world: World) -> None:
    visitor = Visitor(world.browser("handler"))
    assert "修改密码" in await visitor.open("/account/password")
    html = await visitor.send("/account/password", {"old": PASSWORD, "new": GOOD, "again": GOOD})
    assert (visitor.status, visitor.address) == (200, "/account/password/done")
    assert "密码已修改" in html


async def test_mistakes_stand_in_the_summary_and_at_their_field(world: World) -> None:
    visitor = Visitor(world.browser("handler"))
    await visitor.open("/account/password")
    html = await visitor.send("/account/password", {"old": "", "new": GOOD, "again": "other"})
    assert visitor.status == 422
    for key, sentence in (("old", "请填写原密码。"), ("again", "两次填写的新密码不一致。")):
        assert f'<a href="#f-{key}">{sentence}</a>' in html
        assert f'id="f-{key}-error"' in html
    html = await visitor.send("/account/password", {"old": "wrong", "new": GOOD, "again": GOOD})
    assert '<a href="#f-old">原密码不正确。</a>' in html
    assert GOOD not in html and "wrong" not in html.split("<form")[-1].replace("field wrong", "")


async def test_whoever_guesses_the_old_password_is_signed_out(world: World) -> None:
    visitor = Visitor(world.browser("handler"))
    await visitor.open("/account/password")
    html = ""
    for _ in range(5):
        html = await visitor.send("/account/password", {"old": "wrong", "new": GOOD, "again": GOOD})
    assert "已退出登录" in html and visitor.status == 422
    await visitor.open("/tasks")
    assert visitor.address == "/sign-in"


async def test_an_officer_who_must_change_is_sent_to_the_form_from_everywhere(world: World) -> None:
    await make_change(world, "handler")
    visitor = Visitor(world.browser("handler"))
    for address in ("/", "/tasks", "/issues", "/sign-in", "/account/password/done"):
        html = await visitor.open(address)
        assert visitor.address == "/account/password", address
        assert "请设置您自己的密码" in html and 'href="/tasks"' not in html
    await visitor.send("/account/password", {"old": PASSWORD, "new": GOOD, "again": GOOD})
    await visitor.open("/")
    assert visitor.address == "/tasks"


async def test_members_have_no_such_page(world: World) -> None:
    visitor = Visitor(world.browser("staff"))
    await visitor.open("/account/password")
    assert visitor.status == 403

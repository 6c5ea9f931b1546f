"""An address under `/w` without a phone version: the desk's page, or, where there is none either, said on the phone."""

import pytest

from tests.pages.conftest import Visitor, World


async def test_a_page_the_desk_alone_has_is_gone_on_to(world: World) -> None:
    phone = world.browser("admin")
    for path in ("/account/cards", "/system/offices?q=1"):
        answer = await phone.get(f"/w{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, path)


@pytest.mark.parametrize(
    "path", ["/nothing", "/issues/nothing/else", "//evil.example/x", "/static/none.css", "/w/issues", "/api"]
)
async def test_an_address_nobody_has_is_answered_in_the_phones_skin(world: World, path: str) -> None:
    person = Visitor(world.browser("staff"))
    answer = await person.client.get(f"/w{path}")
    assert answer.status_code == 404
    assert "weui" in answer.text and "没有找到这个页面" in answer.text
    assert 'href="/w"' in answer.text or 'href="/w/issues"' in answer.text, (
        "and leads on to the phone's pages"
    )


async def test_whoever_has_not_signed_in_learns_nothing_of_what_is_there(world: World) -> None:
    nobody = Visitor(world.client())
    for path in ("/w/nothing", "/w/account/cards"):
        await nobody.open(path)
        assert (nobody.status, nobody.address) == (200, "/w/sign-in")

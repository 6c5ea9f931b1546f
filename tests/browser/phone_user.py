"""One person with a phone of their own, in the WeChat version: what `Somebody` does at a desk, at 390 and 360 pixels."""

import re

from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.somebody import WITH_PICTURES, Somebody

PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL: ViewportSize = {"width": 360, "height": 740}
IN_WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; V2183A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile "
    "Safari/537.36 MicroMessenger/8.0.47.2560(0x28002F35) Language/zh_CN"
)
SMALLEST_TARGET = 44  # WCAG 2.2 asks for 24 (2.5.8); a thumb for more


class PhoneUser(Somebody):
    """A person of the demo under /w."""

    def sign_in(self, *, look: bool = False, password: str = "") -> "PhoneUser":
        """By phone and code, as without WeChat."""
        page = self.page
        self.go("/sign-in")
        if look:
            self.look("w-sign-in")
        page.get_by_label("手机号码").fill(self.phone)
        seen = self.codes()
        page.get_by_role("button", name="获取验证码").click()
        expect(page.get_by_role("heading", name="填写验证码")).to_be_visible()
        page.get_by_label("6 位验证码").fill(self.new_code(seen))
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("heading", name="填写验证码")).to_be_hidden()
        return self

    def go(self, path: str) -> None:
        """Open a page of the phone version."""
        self.page.goto(f"{self.url}/w{path}")

    def look(self, name: str) -> None:
        """This page has no violations, scrolls at neither width, and nothing complained; a picture of it."""
        self.settle()
        assert "/w" in self.page.url.removeprefix(self.url), (
            f"{name} has left the phone version: {self.page.url}"
        )
        if WITH_PICTURES:
            self._shot(self.page, name, phone=True)
        for size in (SMALL, PHONE):
            self.page.set_viewport_size(size)
            width = self.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{name} scrolls sideways at {size['width']} pixels: {width}"
        found = self._violations(self.page)
        assert found == [], f"axe on {name}: {found}"
        assert (small := small_targets(self.page)) == [], f"too small to hit on {name}: {small}"
        assert self.complaints == [], f"the console on {name}: {self.complaints}"

    def open_task(self, title: str, *, claim: bool = False) -> None:
        """Find this issue's task among mine, and open it."""
        self.go("/tasks")
        self.page.get_by_role("link", name=re.compile(re.escape(title))).click()

    def open_issue(self, title: str) -> None:
        """Find this issue by searching for it, and open it."""
        self.go("/issues")
        self.page.get_by_label("搜索标题、内容、答复或编号").fill(title)
        self.press("搜索")
        self.page.get_by_role("link", name=re.compile(re.escape(title))).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def see_status(self, status: str) -> None:
        """The issue on this page stands there."""
        expect(self.page.locator(".panel .tag").first).to_have_text(status)


def small_targets(page: Page) -> list[str]:
    """Links and buttons outside of running text that a thumb would miss."""
    return page.evaluate(
        """(least) => [...document.querySelectorAll('a, button, select, input:not([type=hidden]), summary')]
            .filter((one) => one.checkVisibility() && !one.closest('.skip, .demo, [aria-hidden=true]'))
            .filter((one) => !(one.tagName === 'A' && getComputedStyle(one).display === 'inline'))
            .filter((one) => !['checkbox', 'radio', 'file'].includes(one.type))
            .filter((one) => one.getBoundingClientRect().height < least - 0.5 && one.getBoundingClientRect().height > 1)
            .map((one) => `${one.outerHTML.slice(0, 80)}: ${one.getBoundingClientRect().height}`)""",
        SMALLEST_TARGET,
    )

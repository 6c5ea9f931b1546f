"""Somebody with the product in WeChat on a phone: WeChat's user agent, 390 × 844, and a WeChat of this machine behind it that
says whose phone it is."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, expect

from tests.browser.phone_user import IN_WECHAT, PHONE, PhoneUser
from tests.browser.served import Served
from tests.browser.somebody import Shot, Violations
from tests.wechat.fake_wechat import APP_ID, SECRET, FakeWechat

IN_HAND: dict[str, Any] = {
    "viewport": PHONE,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": IN_WECHAT,
}


def serve_with(wechat: FakeWechat, **settings: str) -> Served:
    """The product with this WeChat account."""
    return Served(
        QINGLING_WECHAT_APP_ID=APP_ID,
        QINGLING_WECHAT_SECRET=SECRET,
        QINGLING_WECHAT_API_URL=wechat.url,
        QINGLING_WECHAT_OPEN_URL=wechat.url,
        **settings,
    )


class OnPhone(PhoneUser):
    """A person whose WeChat is `openid`. The module's `browser_context_args` are to have IN_HAND in them."""

    def __init__(
        self,
        new_context: Callable[..., BrowserContext],
        served: Served,
        wechat: FakeWechat,
        phone: str,
        openid: str,
        shot: Shot,
        violations: Violations,
    ) -> None:
        super().__init__(new_context(), served.url, phone, shot, violations)
        self.wechat, self.openid = wechat, openid

    def go(self, path: str) -> None:
        """Open a page in this person's WeChat."""
        self.wechat.visitor = self.openid
        super().go(path)

    def tap(self, name: str) -> None:
        """Follow a link, perhaps through WeChat."""
        self.wechat.visitor = self.openid
        self.page.get_by_role("link", name=name, exact=True).click()

    def take_code(self, button: str, send: str = "获取验证码") -> None:
        """The phone is filled in: have the code sent, type it and press the button."""
        seen = self.codes()
        self.press(send)
        expect(self.page.get_by_role("heading", name="填写验证码")).to_be_visible()
        self.page.get_by_label("6 位验证码").fill(self.new_code(seen))
        self.press(button)
        expect(self.page.get_by_role("heading", name="填写验证码")).to_be_hidden()

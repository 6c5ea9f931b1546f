"""One person at a browser of their own: signs in with the code from the demo inbox, looks at pages, fills in forms.

Every page looked at is held against axe at both widths, and photographed where pictures are wanted; anything the console
complains of fails the test.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect

PASSWORD = "Qingling-2026"  # of every officer in the demo
CODE_TIMEOUT_S = 20
SETTLE_TIMEOUT_S = 20

WITH_PICTURES = "1" in (os.environ.get("QINGLING_SHOTS"), os.environ.get("QINGLING_GUIDE_SHOTS"))

Shot = Callable[..., Path]
Violations = Callable[[Page], list[str]]


class Somebody:
    """A person of the demo; `page` is their browser."""

    def __init__(
        self, context: BrowserContext, url: str, phone: str, shot: Shot, violations: Violations
    ) -> None:
        self.page = context.new_page()
        self.url = url
        self.phone = phone
        self.is_officer = phone.startswith("138000001")
        self.complaints: list[str] = []
        self._shot = shot
        self._violations = violations
        self._under_way: set[Request] = set()
        self.page.on("request", lambda request: self._under_way.add(request))
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, lambda request: self._under_way.discard(request))
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self, *, look: bool = False, password: str = PASSWORD) -> "Somebody":
        """Both steps; with `look` each is photographed. `password` is an officer's."""
        page = self.page
        page.goto(f"{self.url}/sign-in")
        if look:
            self.look("sign-in")
        if self.is_officer:
            page.get_by_role("link", name="海关关员").click()
        page.get_by_label("手机号码").fill(self.phone)
        seen = self.codes()
        page.get_by_role("button", name="获取验证码").click()
        expect(page.get_by_role("heading", name="填写验证码")).to_be_visible()
        if look:
            self.look("sign-in-code")
        page.get_by_label("6 位验证码").fill(self.new_code(seen))
        if self.is_officer:
            page.get_by_label("密码").fill(password)
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_role("heading", name="填写验证码")).to_be_hidden()
        return self

    def go(self, path: str) -> None:
        """Open a page of the product."""
        self.page.goto(f"{self.url}{path}")

    def look(self, name: str) -> None:
        """This page has no violations at either width, does not scroll sideways, and nothing complained; a picture of it."""
        self.settle()
        self.page.evaluate("window.scrollTo(0, 0)")
        found = self._violations(self.page)
        assert found == [], f"axe on {name}: {found}"
        if WITH_PICTURES:
            self._shot(self.page, name)
            self._shot(self.page, name, phone=True)
        self.page.set_viewport_size({"width": 360, "height": 780})
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 360, (
            f"{name} scrolls sideways on a phone"
        )
        found = self._violations(self.page)
        assert found == [], f"axe on {name} on a phone: {found}"
        self.page.set_viewport_size({"width": 1280, "height": 900})
        assert self.complaints == [], f"the console on {name}: {self.complaints}"

    def settle(self) -> None:
        """Until the page is there and asks for nothing more; `networkidle` would wait half a second longer each time."""
        self.page.wait_for_load_state()
        give_up_at = time.monotonic() + SETTLE_TIMEOUT_S
        while self._under_way:
            assert time.monotonic() < give_up_at, [one.url for one in self._under_way]
            self.page.wait_for_timeout(20)

    def fill(self, **answers: Any) -> None:
        """Fill in fields by their keys: texts, options by their value, True for a tick."""
        for key, value in answers.items():
            field = self.page.locator(f'[data-field="{key}"]')
            expect(field).to_be_visible()
            if (choice := field.locator(f'select[name="{key}"]')).count():
                choice.select_option(str(value))
            elif field.locator('input[type="radio"]').count():
                field.locator(f'input[type="radio"][value="{value}"]').check()
            elif value is True:
                field.locator('input[type="checkbox"]').check()
            else:
                field.locator('textarea, input:not([type="hidden"])').first.fill(str(value))

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def confirm(self, title: str) -> None:
        """The page after a submit says this."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def open_task(self, title: str, *, claim: bool = False) -> None:
        """Find this issue's task among mine (or, with `claim`, among those to claim) and open it."""
        self.go(f"/tasks?view={'claimable' if claim else 'mine'}")
        row = self.page.get_by_role("row").filter(has_text=title)
        for _ in range(20):
            if row.count():
                break
            self.page.get_by_role("link", name="下一页").click()
            self.settle()
        if claim:
            row.get_by_role("button", name=re.compile("认领")).click()
        else:
            row.get_by_role("link", name=title, exact=True).click()

    def open_issue(self, title: str) -> None:
        """Find this issue by searching for it, and open it."""
        self.go("/issues")
        self.page.get_by_label("搜索标题、内容、答复或编号").fill(title)
        self.page.get_by_role("button", name="筛选").click()
        self.page.get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def see_status(self, status: str) -> None:
        """The issue on this page stands there."""
        expect(self.page.locator("aside .tag").first).to_have_text(status)

    def _listen(self, message: ConsoleMessage) -> None:
        # Chromium reports every 4xx as a failed resource, whatever page it showed, and every refusal of the card agent on
        # this PC; nothing is wrong with the page.
        is_elsewhere = "Failed to load resource" in message.text and not message.location["url"].startswith(
            self.url
        )
        if message.type in ("error", "warning") and not (
            is_elsewhere or re.search(r"status of 4\d\d", message.text)
        ):
            self.complaints.append(message.text)

    def codes(self, phone: str | None = None) -> list[str]:
        """The codes that have come to this phone (the person's own), newest first."""
        inbox = self.page.request.get(f"{self.url}/dev/inbox", headers={"Accept": "application/json"}).json()
        to = phone or self.phone
        return [f"{one['at']} {one['code']}" for one in inbox if one["code"] and one["to"] == to]

    def new_code(self, seen: list[str], phone: str | None = None) -> str:
        """The code that was not there before, as soon as it comes."""
        give_up_at = time.monotonic() + CODE_TIMEOUT_S
        while time.monotonic() < give_up_at:
            if new := [code for code in self.codes(phone) if code not in seen]:
                return new[0].rpartition(" ")[2]
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no code has arrived for {phone or self.phone}")

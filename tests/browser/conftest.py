"""What browser tests may ask for: `page` (Playwright), `server` (the product, served once for the run), `shot` (screenshots),
`violations` (what axe finds). Works as root and as an ordinary user, with no system browser, font or Node."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.chromium import NODE, PACKAGES, find_chromium
from tests.browser.served import Served, play_demo

os.environ.setdefault(
    "PLAYWRIGHT_NODEJS_PATH", str(NODE)
)  # Playwright's own needs a library that bare machines lack

HERE = Path(__file__).parent
OUTPUT = HERE / "output"
GUIDE_IMAGES = HERE.parents[1] / "docs" / "guide" / "img"
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright's own, with our Chromium."""
    chromium = find_chromium()
    return {
        **browser_type_launch_args,
        "executable_path": str(chromium.executable),
        "env": {**os.environ, **chromium.environment},
        "args": ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none", "--disable-gpu"],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A desk in China."""
    return {**browser_context_args, "viewport": DESK, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


@pytest.fixture(scope="session", autouse=True)
def played_demo(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every server of the run begins with the same demo, played once; pytest removes it with its folders."""
    base = tmp_path_factory.getbasetemp()
    Served.played = play_demo(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    """The product with its demo data; all browser tests of a run share it, so each brings its own issue."""
    served = Served()
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture
def shot() -> Callable[..., Path]:
    """`shot(page, "name")` takes the whole page at desk width, `shot(page, "name", phone=True)` at phone width.

    They lie in tests/browser/output; with QINGLING_GUIDE_SHOTS=1 in docs/guide/img, for the guide. Somebody who looks at a page
    has it photographed only with one of QINGLING_SHOTS=1 and QINGLING_GUIDE_SHOTS=1: pictures take a sixth of the time.
    """
    folder = GUIDE_IMAGES if os.environ.get("QINGLING_GUIDE_SHOTS") == "1" else OUTPUT
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str, *, phone: bool = False) -> Path:
        before = page.viewport_size
        page.set_viewport_size(PHONE if phone else DESK)
        path = folder / f"{name}{'-390' if phone else ''}.png"
        page.screenshot(path=path, full_page=True, animations="disabled")
        if before:
            page.set_viewport_size(before)
        return path

    return take


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """`violations(page)`: what axe finds against WCAG 2.2 A and AA, one line each; empty is good."""
    axe = (PACKAGES / "axe-core" / "axe.min.js").read_text()
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {
        "runOnly": rules,
        "resultTypes": ["violations"],
    }  # what is in order need not be worked out in detail

    def look(page: Page) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe)  # not a script tag: the page's content security policy stays as it is
        found = page.evaluate("options => axe.run(document, options)", options)["violations"]
        return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]

    return look

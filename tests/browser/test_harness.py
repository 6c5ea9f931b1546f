"""The harness itself: Chinese is drawn with real glyphs, screenshots have the width asked for, axe sees what is wrong."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.served import Served

SAMPLE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>企业问题清零</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body { font: 18px sans-serif; margin: 2rem } span { font-size: 40px }</style></head>
<body><main><h1>企业问题清零</h1><p>加工贸易手册核销、减免税、跨境电商、原产地证书：<b>已清零</b>。</p>
<span id="a">清</span><span id="b">零</span><span id="c">&#xE123;</span></main></body></html>"""
INK = """id => { const c = document.createElement('canvas'); c.width = c.height = 60; const g = c.getContext('2d');
g.font = '40px sans-serif'; g.fillText(document.getElementById(id).textContent, 5, 45); return c.toDataURL(); }"""


def png_width(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:20])


def test_chinese_is_drawn_with_glyphs_of_its_own(page: Page, shot: Callable[..., Path]) -> None:
    page.set_content(SAMPLE)
    drawn = [page.evaluate(INK, name) for name in "abc"]
    assert len(set(drawn)) == 3, "missing glyphs all look the same"
    assert png_width(shot(page, "harness")) == 1280
    assert png_width(shot(page, "harness", phone=True)) == 390


def test_axe_finds_nothing_on_a_good_page_and_names_what_is_wrong(
    page: Page, violations: Callable[[Page], list[str]]
) -> None:
    page.set_content(SAMPLE)
    assert violations(page) == []
    page.set_content(SAMPLE.replace("<main>", '<main><input type="text">'))
    assert [line.split(":")[0] for line in violations(page)] == ["label"]


def test_the_product_is_served_and_its_door_is_open(
    page: Page, server: Served, shot: Callable[..., Path], violations: Callable[[Page], list[str]]
) -> None:
    page.goto(server.url)
    assert page.url.startswith(f"{server.url}/sign-in"), "whoever is not signed in is asked to"
    assert violations(page) == []
    shot(page, "sign-in")
    shot(page, "sign-in", phone=True)

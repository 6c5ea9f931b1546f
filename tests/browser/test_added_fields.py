"""Fields of every kind that an analyst has added to forms alone, in the desk's and the phone's browser: typed once, kept as a
draft, reviewed on a phone, seen beside the answer, answered, read, found."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from engine.catalogue import read_folder
from tests.api.test_json_life import PNG
from tests.browser.phone_user import IN_WECHAT, PHONE, PhoneUser
from tests.browser.served import ROOT, Served
from tests.browser.somebody import Somebody
from tests.browser.test_draft_to_cleared import executive_of
from tests.tasks.added_fields import ANSWERS, TEXTS, add_fields

TITLE = "冷链货物压港怎样加快查验"
FORMS = ["draft_issue", "rework_issue", "review_issue"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The product with its demo, after an analyst has added the fields and deployed."""
    folder = tmp_path_factory.mktemp("processes")
    files = add_fields(read_folder(ROOT / "processes", "issue"), FORMS, required=True)
    for name, body in add_fields(files, ["answer_issue"], ["circumstances"]).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(body)
    served = Served()
    try:
        served.deploy(folder)
        served.start()
        yield served
    finally:
        served.stop()


def test_typed_once_reviewed_on_a_phone_answered_and_read(
    server: Served,
    new_context: Callable[..., BrowserContext],
    browser: Browser,
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> None:
    def at_desk(phone: str) -> Somebody:
        return Somebody(new_context(), server.url, phone, shot, violations).sign_in()

    submitter = at_desk("13800000004")
    page = submitter.page
    submitter.go("/issues/new")
    expect(page.locator('[data-field="contract_no"]')).to_be_visible()
    submitter.fill(
        kind="政策咨询", category="通关监管", office="2325", title=TITLE, description="冷柜已到港三天。"
    )
    submitter.fill(executive=executive_of(page))
    submitter.fill(**{key: value for key, value in ANSWERS.items() if key != "papers"})
    for paper in ANSWERS["papers"]:
        page.locator(f'[data-field="papers"] input[value="{paper}"]').check()
    page.locator('[data-field="photos"] input[type="file"]').set_input_files(
        {"name": "压港.png", "mimeType": "image/png", "buffer": PNG}
    )
    expect(page.locator('[data-field="photos"] .file')).to_contain_text("压港.png")
    with page.expect_navigation():
        submitter.press("保存草稿")
    expect(page).to_have_url(re.compile(r"/tasks/[0-9a-f-]{36}$"))
    page.reload()
    expect(page.locator('[name="contract_no"]')).to_have_value(ANSWERS["contract_no"])
    expect(page.locator('[data-field="photos"] .file')).to_contain_text("压港.png")
    expect(page.locator('[data-field="papers"] input:checked')).to_have_count(2)
    submitter.look("added-fields-draft")
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")

    context = browser.new_context(
        viewport=PHONE, user_agent=IN_WECHAT, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    executive = PhoneUser(context, server.url, "13800000001", shot, violations).sign_in()
    executive.open_task(TITLE)
    expect(executive.page.locator('[name="contract_no"]')).to_have_value(ANSWERS["contract_no"])
    expect(executive.page.locator('[data-field="transport"] option:checked')).to_have_text("水路")
    executive.look("w-added-fields-review")
    executive.fill(decision="submit", importance="紧急", contract_no="HT-2026-0072")
    executive.press("提交海关")
    executive.confirm("已提交海关")
    executive.open_issue(TITLE)
    for text in ("HT-2026-0072", TEXTS["see_office"], TEXTS["papers"]):
        expect(executive.page.get_by_text(text, exact=True).first).to_be_visible()
    expect(executive.page.get_by_role("link", name=re.compile("压港.png"))).to_be_visible()
    executive.look("w-added-fields-issue")
    context.close()

    handler = at_desk("13800000121")
    handler.open_task(TITLE, claim=True)
    beside = handler.page.get_by_label("企业提出的问题")
    for text in ("HT-2026-0072", TEXTS["transport"], TEXTS["shipped_on"]):
        expect(beside.get_by_text(text, exact=True)).to_be_visible()
    expect(beside.get_by_role("link", name=re.compile("压港.png"))).to_be_visible()
    handler.look("added-fields-answer")
    handler.fill(decision="answer", answer="已安排优先查验。", circumstances="依据冷链货物绿色通道")
    handler.press("答复企业")
    handler.confirm("已答复企业")

    submitter.open_issue(TITLE)
    expect(page.locator("article.answer")).to_contain_text("依据冷链货物绿色通道")
    expect(page.get_by_role("cell", name="HT-2026-0072")).to_be_visible()
    submitter.look("added-fields-read")
    submitter.go("/issues?q=HT-2026-0072")
    expect(page.get_by_role("link", name=TITLE, exact=True)).to_be_visible()

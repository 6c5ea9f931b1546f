"""Files that enterprises really have, in one question: a picture of an iPhone, a WPS document and a contract are seen in the
page, a document with a macro is explained; the executive looks at them on a phone."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.phone_user import IN_WECHAT, PHONE, PhoneUser
from tests.browser.served import Served
from tests.browser.somebody import Somebody
from tests.domain.files.samples import MACROS, doc, exif, packed, pdf, picture

TITLE = "进口设备铭牌与装箱单不一致如何申报"


def photo() -> bytes:
    """A sheet lying on a desk, taken with the phone on its side: it has to be turned to be read."""
    sheet = Image.new("RGB", (800, 600), (120, 90, 60))
    ImageDraw.Draw(sheet).rectangle((60, 60, 740, 540), fill="white")
    return picture("HEIF", sheet, exif=exif(6))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {
        "IMG_0815.HEIC": photo(),
        "情况说明.wps": doc(),
        "合同.pdf": pdf(3, script="app.alert(1)"),
        "装箱单.pdf": pdf(password="secret"),
        "报价.doc": doc(Macros=MACROS),
        "全部资料.docx": packed({"a.txt": b"x"}),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_files_of_every_kind_in_one_question(
    server: Served,
    new_context: Callable[..., BrowserContext],
    browser: Browser,
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
    files: dict[str, Path],
) -> None:
    submitter = Somebody(new_context(), server.url, "13800000007", shot, violations).sign_in()
    ask(submitter, files)
    look_at(submitter)
    context = browser.new_context(
        viewport=PHONE, user_agent=IN_WECHAT, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    look_on_a_phone(PhoneUser(context, server.url, "13800000006", shot, violations).sign_in())
    context.close()


def ask(submitter: Somebody, files: dict[str, Path]) -> None:
    page = submitter.page
    submitter.go("/issues/new")
    submitter.fill(
        kind="政策咨询",
        category="税收征管",
        office="2301",
        title=TITLE,
        description="铭牌型号与装箱单不一致，如何申报？",
    )
    picker = page.locator('input[type="file"]')
    picker.set_input_files(list(files.values()))
    rows = page.locator("[data-files] li")
    expect(rows).to_have_count(6)
    expect(page.get_by_text("已上传")).to_have_count(4)
    explained = rows.filter(has_text="报价.doc")
    expect(explained.get_by_role("alert")).to_have_text(
        "文件“报价.doc”带有宏，不能上传。请用 Office 或 WPS 打开，另存为不带宏的 docx、xlsx 或 pptx 再上传。"
    )
    expect(rows.filter(has_text="全部资料.docx")).to_contain_text("像是压缩包")
    expect(rows.filter(has_text="全部资料.docx")).to_contain_text("请解压，把里面的文件单独上传。")
    expect(rows.filter(has_text="装箱单.pdf")).to_contain_text("这个 PDF 有密码，不知道密码的人看不到内容。")
    be_drawn(rows.filter(has_text="IMG_0815.HEIC").locator("img"))
    be_drawn(rows.filter(has_text="合同.pdf").locator("img"))
    submitter.look("files-uploaded")
    for name in ("报价.doc", "全部资料.docx"):
        page.get_by_role("button", name=f"移除 {name}").click()
    expect(page.get_by_text("已上传")).to_have_count(4)
    submitter.press("提交高管审核")
    submitter.confirm("已提交高管审核")


def look_at(submitter: Somebody) -> None:
    submitter.open_issue(TITLE)
    listed = submitter.page.get_by_role("list", name="附件").first
    be_drawn(listed.get_by_role("link", name="IMG_0815.heic").locator("img"))
    be_drawn(listed.get_by_role("link", name="合同.pdf").locator("img"))
    expect(listed.get_by_role("link", name="情况说明.wps")).to_contain_text("WPS 文字")
    expect(listed.get_by_role("link", name="装箱单.pdf")).to_contain_text("有密码")
    submitter.look("files-listed")
    photo, contract = (
        opened(submitter, listed.get_by_role("link", name=name)) for name in ("IMG_0815.heic", "合同.pdf")
    )
    taken = photo.get_by_role("img", name="IMG_0815.heic")
    be_drawn(taken)
    assert taken.evaluate("one => one.naturalHeight > one.naturalWidth"), "upright, as it was held"
    expect(contract.get_by_role("img", name="合同.pdf")).to_have_count(3)
    last = contract.get_by_role("img", name="合同.pdf，第 3 页")
    last.scroll_into_view_if_needed()
    be_drawn(last)
    assert contract.locator("iframe, embed, object").count() == 0, "nothing that could run a PDF's scripts"
    see(submitter, contract, "file-pages")
    with contract.expect_download() as kept:
        contract.get_by_role("link", name="下载").click()
    assert kept.value.suggested_filename == "合同.pdf"
    with submitter.page.expect_download() as kept:
        listed.get_by_role("link", name="情况说明.wps").click()
    assert kept.value.path().read_bytes() == doc(), "byte for byte"
    photo.close()
    contract.close()


def look_on_a_phone(executive: PhoneUser) -> None:
    executive.open_issue(TITLE)
    page = executive.page
    listed = page.get_by_role("list", name="附件").first
    be_drawn(listed.get_by_role("link", name="IMG_0815.heic").locator("img"))
    executive.look("w-files-listed")
    listed.get_by_role("link", name="IMG_0815.heic").click()
    be_drawn(page.get_by_role("img", name="IMG_0815.heic"))
    assert "/w/attachments/" in page.url
    executive.look("w-file-pages")
    with page.expect_download() as kept:
        page.get_by_role("link", name="下载").click()
    got = kept.value.path().read_bytes()
    assert b"Apple" not in got and Image.open(io.BytesIO(got)).size
    page.get_by_role("link", name="看所属的问题").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)


def be_drawn(picture: Locator) -> None:
    """There is a picture, and it is not a broken one."""
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("one => one.naturalWidth") > 0


def opened(somebody: Somebody, link: Locator) -> Page:
    with somebody.page.context.expect_page() as new:
        link.click()
    new.value.wait_for_load_state()
    return new.value


def see(somebody: Somebody, page: Page, name: str) -> None:
    """The same as `look`, of another page of this person's."""
    mine, somebody.page = somebody.page, page
    somebody.look(name)
    somebody.page = mine

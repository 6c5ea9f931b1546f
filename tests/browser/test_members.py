"""An enterprise's admin keeps its people: adds one who signs in at once, imports some, lets one go whose work a colleague takes
over, hands the role over; and a person with two enterprises, who is put out of one."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.somebody import Somebody

ADMIN, EXECUTIVE, STAFF, BOTH, OTHER_ADMIN = (f"1380000000{number}" for number in (3, 2, 5, 9, 7))
YUNZE, HAIYUE = "江苏云泽精密电子有限公司", "连云港海岳供应链管理有限公司"
ROWS = (
    ("姓名*", "手机号码*", "职务", "身份*"),
    ("许知远", "13700000011", "关务专员", "关务人员"),
    ("江一帆", "1370000001", "采购总监", "企业高管"),
    ("许知远", "13700000011", "", "经理"),
    ("叶晚舟", "13700000013", "副总经理", "企业高管和关务人员"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """A copy of this file's own: people leave here for good, and others are in need of them."""
    served = Served()
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture
def somebody(
    server: Served,
    new_context: Callable[..., BrowserContext],
    shot: Callable[..., Path],
    violations: Callable[[Page], list[str]],
) -> Callable[[str], Somebody]:
    """`somebody("13800000003")`: that person, at a browser nobody else uses."""
    return lambda phone: Somebody(new_context(), server.url, phone, shot, violations)


def test_an_admin_keeps_the_members(somebody: Callable[[str], Somebody], tmp_path: Path) -> None:
    admin = somebody(ADMIN).sign_in()
    page = admin.page
    page.get_by_role("link", name="用户管理").click()
    admin.look("members")
    add_member(admin)
    newcomer = somebody("13700000010").sign_in()
    expect(newcomer.page.get_by_role("heading", level=1)).to_have_text("问题管理")
    import_members(admin, tmp_path)
    hand_work_over(somebody, admin)
    let_go(admin)
    newcomer.go("/issues")
    expect(newcomer.page.get_by_role("heading", name="登录", exact=True)).to_be_visible()
    hand_role_over(somebody, admin)


def add_member(admin: Somebody) -> None:
    page = admin.page
    page.get_by_role("link", name="关务人员").click()
    page.get_by_role("link", name="添加关务人员").click()
    admin.look("member-new")
    admin.press("添加")
    expect(page.get_by_role("heading", name="有 2 处需要修改")).to_be_visible()
    admin.look("member-new-errors")
    page.get_by_label("姓名").fill("林小满")
    page.get_by_label("手机号码").fill("137 0000 0010")
    page.get_by_label("职务").fill("关务助理")
    admin.press("添加")
    expect(page.get_by_role("status")).to_have_text("已添加林小满，现在就可以用手机号码登录。")
    page.get_by_role("row").filter(has_text="林小满").get_by_role("link", name="修改").click()
    admin.look("member")
    page.get_by_label("职务").fill("关务专员")
    admin.press("保存")
    expect(page.get_by_role("row").filter(has_text="林小满")).to_contain_text("关务专员")
    admin.look("members-staff")


def import_members(admin: Somebody, folder: Path) -> None:
    page = admin.page
    page.get_by_role("link", name="从 Excel 导入").click()
    admin.look("members-import")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载模板").click()
    assert download.value.suggested_filename == "用户导入模板.xlsx"
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("用户")
        for number, row in enumerate(ROWS):
            sheet.write_row(number, 0, row)
    file = folder / "用户.xlsx"
    file.write_bytes(buffer.getvalue())
    page.get_by_label("填好的 Excel 文件").set_input_files(file)
    admin.press("上传并检查")
    expect(page.get_by_text("共 4 行，2 行正确，2 行有误。还没有添加任何人。")).to_be_visible()
    admin.look("members-report")
    admin.press("只添加正确的 2 位")
    admin.confirm("已添加 2 位用户")
    admin.look("members-imported")
    page.get_by_role("link", name="看用户列表").click()
    expect(page.get_by_role("row").filter(has_text="叶晚舟")).to_be_visible()


def hand_work_over(somebody: Callable[[str], Somebody], admin: Somebody) -> None:
    """The staff's open issues go to the newcomer, who finds them."""
    page = admin.page
    admin.go("/members?tab=customs_affairs")
    page.get_by_role("link", name="唐欣怡", exact=True).click()
    page.get_by_role("link", name="移除").click()
    expect(page.get_by_role("group", name=re.compile("经办的问题"))).to_be_visible()
    admin.press("移除")
    expect(page.get_by_role("link", name=re.compile("请选择由谁接手"))).to_be_visible()
    page.get_by_label("由谁接手").select_option(label=heir_of(page))
    admin.look("member-leave")
    admin.press("移除")
    expect(page.get_by_role("status")).to_contain_text("已移除唐欣怡。")
    expect(page.get_by_role("status")).to_contain_text("件没有办结的问题已经移交。")
    admin.look("members-removed")
    newcomer = somebody("13700000011").sign_in()
    newcomer.go("/issues")
    expect(newcomer.page.locator("table.list tbody tr").first).to_be_visible()
    newcomer.page.locator("table.list .title").first.click()
    expect(newcomer.page.get_by_text("把经办人改为许知远")).to_be_visible()
    newcomer.look("issue-taken-over")


def heir_of(page: Page) -> str:
    return page.get_by_label("由谁接手").locator("option", has_text="许知远").inner_text()


def let_go(admin: Somebody) -> None:
    """Suspended, and out at once."""
    page = admin.page
    page.get_by_role("link", name="林小满", exact=True).click()
    page.get_by_role("link", name="停用").click()
    admin.look("member-suspend")
    admin.press("停用")
    expect(page.get_by_role("row").filter(has_text="林小满")).to_contain_text("已停用")
    admin.look("members-suspended")


def hand_role_over(somebody: Callable[[str], Somebody], admin: Somebody) -> None:
    page = admin.page
    page.get_by_role("link", name="移交企业管理员").click()
    option = page.get_by_label("由谁接任").locator("option", has_text="沈佳慧").inner_text()
    page.get_by_label("由谁接任").select_option(label=option)
    page.get_by_label("关务人员").check()
    admin.look("members-hand-over")
    admin.press("请对方接任")
    expect(page.get_by_role("status")).to_contain_text("已请沈佳慧接任企业管理员")
    admin.look("members-offered")
    executive = somebody(EXECUTIVE).sign_in()
    executive.page.get_by_role("link", name="查看并答复").click()
    executive.look("admin-offer")
    executive.press("接受")
    expect(executive.page.get_by_role("heading", level=1)).to_have_text("用户管理")
    admin.go("/members")
    expect(page.get_by_role("heading", name="没有权限")).to_be_visible()


def test_a_person_with_two_enterprises(somebody: Callable[[str], Somebody]) -> None:
    """Switches without signing out, sees only the one acted for, and is led to the other when put out of one."""
    person = somebody(BOTH).sign_in()
    page = person.page
    expect(page.get_by_role("heading", name="您要代表哪家企业办事？")).to_be_visible()
    person.look("choose-enterprise")
    page.get_by_role("button", name=HAIYUE).click()
    expect(page.locator(".account summary")).to_contain_text(HAIYUE)
    page.locator(".account summary").click()
    person.look("account-menu")
    page.get_by_role("button", name=f"切换到：{YUNZE}").click()
    expect(page.locator(".account summary")).to_contain_text(YUNZE)
    page.locator(".account summary").click()
    page.get_by_role("button", name=f"切换到：{HAIYUE}").click()
    expect(page.locator(".account summary")).to_contain_text(HAIYUE)
    put_out(somebody)
    person.go("/tasks")
    expect(page.get_by_role("heading", name="您要代表哪家企业办事？")).to_be_visible()
    expect(page.get_by_role("button", name=HAIYUE)).to_be_hidden()
    person.look("choose-after-removal")
    page.get_by_role("button", name=YUNZE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("待办")
    expect(page.locator(".account summary")).to_contain_text(YUNZE)
    page.locator(".account summary").click()
    expect(page.get_by_role("button", name=re.compile("切换到"))).to_be_hidden()


def put_out(somebody: Callable[[str], Somebody]) -> None:
    admin = somebody(OTHER_ADMIN).sign_in()
    page = admin.page
    admin.go("/members?tab=customs_affairs")
    page.get_by_role("link", name="罗天成", exact=True).click()
    page.get_by_role("link", name="移除").click()
    admin.confirm("移除罗天成")
    heir = page.get_by_label("由谁接手")
    heir.select_option(label=heir.locator("option", has_text="邵子轩").inner_text())
    admin.press("移除")
    expect(page.get_by_role("status")).to_contain_text("已移除罗天成。")

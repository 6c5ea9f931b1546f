"""Files of a question as its people see them: their pages in ours, by page and by JSON, at the desk and on a phone."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from tests.api.conftest import World
from tests.domain.files.samples import MACROS, doc, docx, exif, packed, pdf, picture
from tests.pages.conftest import QUESTION, Visitor

HERE = "/attachments/"
FILES = {
    "IMG_0001.HEIC": lambda: picture("HEIF", exif=exif(6)),
    "照片.jpg": lambda: picture("JPEG", exif=exif(6)),
    "合同.pdf": lambda: pdf(3, script="app.alert(1)"),
    "函.wps": doc,
    "有密码.pdf": lambda: pdf(password="secret"),
}


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    return {name: make() for name, make in FILES.items()}


async def upload(world: World, contents: dict[str, bytes], name: str, who: str = "staff") -> dict[str, Any]:
    answer = await world.client(who).post("/api/v1/attachments", files={"file": (name, contents[name])})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def sent(
    world: World, contents: dict[str, bytes], *names: str
) -> tuple[str, dict[str, dict[str, Any]]]:
    """A question with these files at its executive's: its address, and the files by name."""
    files = {name: await upload(world, contents, name) for name in names}
    staff = Visitor(world.browser("staff"))
    await staff.open("/issues/new")
    ids = [one["id"] for one in files.values()]
    html = await staff.send("/issues/new", {**QUESTION, "attachments": ids, "act": "send"})
    found = re.search(r'href="(/issues/[0-9a-f-]{36})"', html)
    assert found, html
    return found[1], files


def seen(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG" and not image.getexif()
    return image


async def test_whoever_uploads_is_told_what_can_be_seen_and_what_to_know(
    world: World, contents: dict[str, bytes]
) -> None:
    told = {name: await upload(world, contents, name) for name in FILES}
    assert {name: one["pages"] for name, one in told.items()} == {
        "IMG_0001.HEIC": 1, "照片.jpg": 1, "合同.pdf": 3, "函.wps": 0, "有密码.pdf": 0,
    }  # fmt: skip
    assert {name for name, one in told.items() if one["hint"]} == {"有密码.pdf"}
    assert told["有密码.pdf"]["hint"].startswith("这个 PDF 有密码")
    assert told["函.wps"]["type"] == "application/wps-office.wps"


async def test_what_may_not_come_in_is_explained(world: World) -> None:
    for name, data, words in (
        (
            "报价.doc",
            doc(Macros=MACROS),
            "文件“报价.doc”带有宏，不能上传。请用 Office 或 WPS 打开，另存为不带宏的",
        ),
        ("资料.zip", packed({"a.txt": b"x"}), "（像是压缩包），"),
        ("资料.docx", packed({"a.txt": b"x"}), "（像是压缩包），"),
    ):
        answer = await world.client("staff").post("/api/v1/attachments", files={"file": (name, data)})
        assert answer.status_code == 422
        assert words in answer.json()["detail"]


async def test_others_see_the_pages_and_get_no_place(world: World, contents: dict[str, bytes]) -> None:
    _, files = await sent(world, contents, "IMG_0001.HEIC", "照片.jpg", "合同.pdf")
    staff, executive = world.client("staff"), world.client("executive")
    for name, one in files.items():
        for base in (f"/api/v1/attachments/{one['id']}", f"{HERE}{one['id']}"):
            small, first = await executive.get(f"{base}/small"), await executive.get(f"{base}/pages/1")
            assert {small.headers["content-type"], first.headers["content-type"]} == {"image/jpeg"}
            assert max(seen(small.content).size) <= 176 < max(seen(first.content).size)
            assert "sandbox" in first.headers["content-security-policy"]
        mine = await staff.get(f"/api/v1/attachments/{one['id']}")
        theirs = await executive.get(f"/api/v1/attachments/{one['id']}")
        assert mine.content == contents[name], "the uploader gets it as it came"
        assert b"Apple" not in theirs.content
        assert (theirs.content == contents[name]) == (name == "合同.pdf")
    pages = f"/api/v1/attachments/{files['合同.pdf']['id']}/pages"
    assert [(await executive.get(f"{pages}/{page}")).status_code for page in (3, 4)] == [200, 404]
    assert (await executive.get(f"{pages}/0")).status_code == 404
    assert (await executive.get(f"{pages}/x")).status_code == 404


async def test_no_browser_is_given_a_pdf_to_open_by_itself(world: World, contents: dict[str, bytes]) -> None:
    one = await upload(world, contents, "合同.pdf")
    staff = world.client("staff")
    for address in (
        f"{HERE}{one['id']}",
        f"/api/v1/attachments/{one['id']}?inline=true",
        f"{HERE}{one['id']}/download",
    ):
        answer = await staff.get(address)
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_cannot_be_shown_has_no_pages(world: World, contents: dict[str, bytes]) -> None:
    for name in ("函.wps", "有密码.pdf"):
        one = await upload(world, contents, name)
        for what in ("small", "pages/1"):
            answer = await world.client("staff").get(f"/api/v1/attachments/{one['id']}/{what}")
            assert answer.status_code == 404
            assert answer.json()["detail"] == "这一页不能显示，请下载后查看。"


async def test_a_file_whose_bytes_are_lost_is_told_to_be_gone(
    world: World, contents: dict[str, bytes]
) -> None:
    one = await upload(world, contents, "合同.pdf")
    folder = Path(world.wired.settings.attachments_dir)
    for path in folder.glob(f"*/{one['id'].replace('-', '')}*"):
        path.unlink()
    for what in ("", "/small", "/pages/2"):
        answer = await world.client("staff").get(f"/api/v1/attachments/{one['id']}{what}")
        assert (answer.status_code, answer.json()["detail"]) == (404, "这个文件已经不在了。")


@pytest.mark.parametrize("skin", ["", "/w"])
async def test_the_page_of_a_question_shows_its_files_and_leads_to_them(
    world: World, contents: dict[str, bytes], skin: str
) -> None:
    issue, files = await sent(world, contents, *FILES)
    executive = Visitor(world.browser("executive"))
    html = await executive.open(f"{skin}{issue}")
    for name, one in files.items():
        base = f"{HERE}{one['id']}"
        if one["pages"]:
            assert f'src="{base}/small"' in html and f'href="{skin}{base}/view"' in html
        else:
            assert f'href="{base}"' in html and f"{base}/small" not in html
        assert one["name"] in html, name
    assert "WPS 文字，" in html and "，有密码" in html
    html = await executive.open(f"{skin}{HERE}{files['合同.pdf']['id']}/view")
    assert re.findall(r'src="([^"]*/pages/\d)"', html) == [
        f"{HERE}{files['合同.pdf']['id']}/pages/{page}" for page in (1, 2, 3)
    ]
    assert f'href="{skin}{issue}"' in html and f"{files['合同.pdf']['id']}/download" in html
    assert "3 页" in html and "字体可能与原件不同" in html
    html = await executive.open(f"{skin}{HERE}{files['照片.jpg']['id']}/view")
    assert "下载得到的图片不含拍摄时间、地点等信息。" in html
    assert "下载得到的图片不含" not in await Visitor(world.browser("staff")).open(
        f"{skin}{HERE}{files['照片.jpg']['id']}/view"
    )
    assert "不能在这里显示" in await executive.open(f"{skin}{HERE}{files['有密码.pdf']['id']}/view")


@pytest.mark.parametrize("skin", ["", "/w"])
async def test_a_form_shows_the_files_it_has(world: World, contents: dict[str, bytes], skin: str) -> None:
    staff = Visitor(world.browser("staff"))
    await staff.open(f"{skin}/issues/new")
    name = "IMG_0001.HEIC"
    files = {"attachments.upload": (name, contents[name])}
    html = await staff.send(f"{skin}/issues/new", {**QUESTION, "act": "save"}, files=files)
    found = re.search(rf'src="{HERE}([0-9a-f-]+)/small"', html)
    assert found and f'href="{skin}{HERE}{found[1]}/view"' in html
    assert 'accept=".jpg,' in html and ".heic" in html and ".wps" in html
    assert "可以是图片、PDF、OFD、Word、Excel、PPT、WPS 文档或文本" in html


async def test_a_file_from_before_is_counted_when_it_is_looked_at(
    world: World, contents: dict[str, bytes]
) -> None:
    one = await upload(world, contents, "合同.pdf")
    async with world.wired.sessions() as session:
        await session.execute(text("UPDATE attachment SET pages = NULL"))
        await session.commit()
    html = await Visitor(world.browser("staff")).open(f"{HERE}{one['id']}/view")
    assert html.count("/pages/") == 3
    async with world.wired.sessions() as session:
        assert await session.scalar(text("SELECT pages FROM attachment")) == 3


async def test_documents_come_in_by_the_form_of_every_browser(world: World) -> None:
    staff = Visitor(world.browser("staff"))
    await staff.open("/issues/new")
    bad = {"attachments.upload": ("报价.doc", doc(Macros=MACROS))}
    html = await staff.send("/issues/new", {**QUESTION, "act": "save"}, files=bad)
    assert staff.status == 422 and "文件“报价.doc”带有宏" in html and QUESTION["title"] in html
    good = {"attachments.upload": ("报价.docx", docx())}
    assert "报价.docx" in await staff.send("/issues/new", {**QUESTION, "act": "save"}, files=good)

"""The pages as people without JavaScript meet them: every form works by itself, nothing typed is lost, nothing happens twice."""

import asyncio
import re

import httpx
import pytest

from tests.pages.conftest import QUESTION, Visitor, World


def visitor(world: World, name: str) -> Visitor:
    return Visitor(world.browser(name))


async def raise_issue(world: World, **answers: str) -> tuple[Visitor, str]:
    """An issue that waits for its executive: its submitter, looking at the confirmation, and the issue's address."""
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    html = await staff.send("/issues/new", {**QUESTION, **answers, "act": "send"})
    assert "已提交高管审核" in html, html
    found = re.search(r'href="(/issues/[0-9a-f-]{36})"', html)
    assert found
    return staff, found[1]


async def task_of(person: Visitor, view: str = "mine") -> str:
    html = await person.open(f"/tasks?view={view}")
    found = re.search(r'class="title" href="(/[^"#]+)', html)
    assert found, html
    return found[1]


async def bring_to_customs(world: World) -> str:
    _, issue = await raise_issue(world)
    executive = visitor(world, "executive")
    task = await task_of(executive)
    await executive.open(task)
    html = await executive.send(task, {**QUESTION, "decision": "submit", "importance": "一般"})
    assert "已提交海关" in html
    return issue


@pytest.mark.parametrize(
    "address", ["/issues", "/issues/new", "/tasks", "/issues/00000000-0000-7000-8000-000000000000"]
)
async def test_whoever_has_not_signed_in_is_asked_to_and_comes_back(world: World, address: str) -> None:
    nobody = Visitor(world.client())
    html = await nobody.open(address)
    assert nobody.address == "/sign-in"
    assert f'name="next" value="{address}"' in html


async def test_a_form_without_its_token_is_refused_in_words(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    staff.html = staff.html.replace('name="csrf_token"', 'name="other"')
    html = await staff.send("/issues/new", QUESTION)
    assert staff.status == 403
    assert "页面已过期" in html


async def test_every_mistake_is_named_and_nothing_typed_is_lost(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    html = await staff.send("/issues/new", {"description": "写了一半的问题", "category": "税收征管"})
    assert staff.status == 422
    assert "有 3 处需要修改" in html
    for name in ("kind", "office", "title"):
        assert f'href="#f-{name}"' in html
        assert f'id="f-{name}-error"' in html
    assert "写了一半的问题" in html
    assert '<option value="税收征管" selected>' in html


async def test_what_was_typed_is_shown_as_text(world: World) -> None:
    staff, issue = await raise_issue(world, title='<script>alert("x")</script>')
    html = await staff.open(issue)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


async def test_a_form_sent_twice_makes_one_issue(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    body = {**QUESTION, "act": "send"}
    first = await staff.client.post("/issues/new", data={**body, **tokens(staff)})
    second = await staff.client.post("/issues/new", data={**body, **tokens(staff)})
    assert first.headers["location"] == second.headers["location"]
    assert (await staff.open("/issues")).count('class="title"') == 1


async def test_a_double_click_makes_one_issue(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    body = {**QUESTION, "act": "send", **tokens(staff)}
    answers = await asyncio.gather(*(staff.client.post("/issues/new", data=body) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await staff.open("/issues")).count('class="title"') == 1


def tokens(person: Visitor) -> dict[str, str]:
    return {name: person.hidden(name) or "" for name in ("csrf_token", "idempotency_key")}


async def test_a_draft_is_saved_and_opened_again(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    html = await staff.send("/issues/new", {"office": "2301", "title": "先写个标题", "act": "save"})
    assert staff.address.startswith("/tasks/")
    assert 'value="先写个标题"' in html
    await staff.send(
        staff.address, {"office": "2301", "title": "先写个标题", "description": "再写几句", "act": "save"}
    )
    assert "再写几句" in staff.html
    assert "草稿已于" in staff.html


async def test_autosave_says_when_and_what_the_answers_call_for(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    body = {"office": "2301", "title": "先写个标题", **tokens(staff)}
    early = (await staff.client.post("/issues/new/draft", data={**tokens(staff)})).json()
    assert early["saved"] is None
    saved = (await staff.client.post("/issues/new/draft", data=body)).json()
    again = (await staff.client.post("/issues/new/draft", data={**body, "description": "更多"})).json()
    assert "自动保存" in saved["saved"]
    assert saved["address"] == again["address"], "one form, one draft"
    assert saved["fields"]["kind"] == {"hidden": False, "required": True}
    assert "更多" in await staff.open(saved["address"])


async def test_an_attachment_sent_with_the_form_is_kept(world: World) -> None:
    staff = visitor(world, "staff")
    await staff.open("/issues/new")
    file = {"attachments.upload": ("合同.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")}
    html = await staff.send("/issues/new", {**QUESTION, "act": "save"}, files=file)
    assert "合同.pdf" in html
    refused = {"attachments.upload": ("合同.pdf", b"MZ no pdf", "application/pdf")}
    await staff.open("/issues/new")
    html = await staff.send("/issues/new", {**QUESTION, "act": "save"}, files=refused)
    assert staff.status == 422
    assert "合同.pdf" in html
    assert QUESTION["title"] in html


async def test_an_issue_goes_through_every_page_without_javascript(world: World) -> None:
    issue = await bring_to_customs(world)
    handler = visitor(world, "handler")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    assert "还没有人认领" in handler.html
    await handler.send(f"{task}/claim", {})
    assert QUESTION["description"] in handler.html, "the question stands beside the answer"
    html = await handler.send(
        task, {"decision": "answer", "answer": "应当计入。", "reason": "", "question": "", "office": ""}
    )
    assert "已答复企业" in html
    staff = visitor(world, "staff")
    await staff.open(issue)
    assert "应当计入。" in staff.html
    evaluation = re.search(r'action="(/tasks/[^"/]+)" enctype', staff.html)
    assert evaluation
    await staff.send(evaluation[1], {"rating": "1"})
    executive = visitor(world, "executive")
    await executive.open(issue)
    evaluation = re.search(r'action="(/tasks/[^"/]+)" enctype', executive.html)
    assert evaluation
    assert "已清零" in await executive.send(evaluation[1], {"rating": "2", "comment": "同意。"})
    history = await executive.open(issue)
    for words in ("完全解决问题", "同意答复意见", "办理过程", "结束：已清零"):
        assert words in history


async def test_who_was_slower_is_told_who_was_first_and_keeps_the_text(world: World) -> None:
    await bring_to_customs(world)
    handler, colleague = visitor(world, "handler"), visitor(world, "colleague")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    page = await colleague.open(task)
    await handler.send(f"{task}/claim", {})
    html = await colleague.send(f"{task}/claim", {})
    assert colleague.status == 409
    assert "handler" in html
    long_answer = "这是写了很久的一段答复，不应当丢失。" * 2
    colleague.html = page
    html = await colleague.send(task, {"decision": "answer", "answer": long_answer})
    assert colleague.status == 409
    assert long_answer in html


async def test_claiming_twice_and_withdrawing_twice_are_no_mistakes(world: World) -> None:
    staff, issue = await raise_issue(world)
    await staff.open(issue)
    for _ in range(2):
        assert "问题已撤回" in await staff.send(f"{issue}/withdraw", {})
    await bring_to_customs(world)
    handler = visitor(world, "handler")
    task = await task_of(handler, "claimable")
    await handler.open(task)
    for _ in range(2):
        await handler.send(f"{task}/claim", {})
        assert handler.status == 200


async def test_bulk_claim_takes_the_ticked_ones(world: World) -> None:
    for _ in range(2):
        await bring_to_customs(world)
    handler = visitor(world, "handler")
    await handler.open("/tasks?view=claimable")
    ids = re.findall(r'name="task" value="([^"]+)"', handler.html)
    assert len(ids) == 2
    html = await handler.send("/tasks/claim", {"task": ids})
    assert "已认领 2 件。" in html
    assert "请先勾选" in await handler.send("/tasks/claim", {})


@pytest.mark.parametrize("name", ["stranger", "elsewhere"])
async def test_others_cannot_tell_that_an_issue_exists(world: World, name: str) -> None:
    issue = await bring_to_customs(world)
    other = visitor(world, name)
    missing = "/issues/00000000-0000-7000-8000-000000000000"
    shown, unknown = await other.open(issue), await other.open(missing)
    assert other.status == 404
    assert re.sub(r"请求编号.*?</p>", "", shown, flags=re.DOTALL) == re.sub(
        r"请求编号.*?</p>", "", unknown, flags=re.DOTALL
    )


async def test_an_enterprise_that_is_not_approved_is_told_why_it_cannot_ask(world: World) -> None:
    html = await visitor(world, "waiting").open("/issues/new")
    assert "尚未通过海关审核" in html
    assert "<textarea" not in html


async def test_the_export_holds_what_the_filter_lets_through(world: World) -> None:
    await raise_issue(world, title="=1+1 的归类")
    await raise_issue(world, title="减免税的手续")
    staff = visitor(world, "staff")
    html = await staff.open("/issues?q=归类")
    assert 'href="/issues/export?q=%E5%BD%92%E7%B1%BB"' in html
    answer: httpx.Response = await staff.client.get("/issues/export", params={"q": "归类"})
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert answer.content[:2] == b"PK"


async def test_filters_stay_in_the_address_and_the_list_says_what_it_shows(world: World) -> None:
    await raise_issue(world)
    staff = visitor(world, "staff")
    html = await staff.open("/issues?category=税收征管&office=2301&phase=review")
    assert html.count('class="title"') == 1
    assert "正在查看：连云港海关、税收征管" in html
    html = await staff.open("/issues?q=没有这样的问题")
    assert "没有符合条件的问题" in html

"""Answer templates on their page and in the answer, without JavaScript: nothing typed is lost."""

import re

from tests.pages.conftest import World
from tests.pages.test_pages import bring_to_customs, task_of, visitor

TEMPLATE = {"title": "补充申报", "text": "请在支付之日起 30 日内补充申报。", "office": "2301"}


async def test_a_template_is_made_changed_and_deleted(world: World) -> None:
    handler, colleague = visitor(world, "handler"), visitor(world, "colleague")
    assert "还没有模板" in await handler.open("/answer-templates")
    await handler.open("/answer-templates/new")
    html = await handler.send("/answer-templates/new", TEMPLATE | {"title": ""})
    assert handler.status == 422
    assert 'href="#f-title"' in html and TEMPLATE["text"] in html
    assert re.search(r'value="2301" checked', html)
    await handler.send("/answer-templates/new", TEMPLATE)
    html = await colleague.open("/answer-templates")
    assert "补充申报" in html and "连云港海关共用" in html
    address = re.search(r'href="(/answer-templates/[0-9a-f-]{36})"', html)
    assert address
    await colleague.open(address[1])
    await colleague.send(address[1], {"title": "补充申报", "text": "改过的\r\n内容"})
    assert "改过的\n内容" in await handler.open("/answer-templates")
    await colleague.open(address[1])
    assert "还没有模板" in await colleague.send(f"{address[1]}/drop", {})


async def test_others_have_no_such_page(world: World) -> None:
    handler = visitor(world, "handler")
    await handler.open("/answer-templates/new")
    html = await handler.send("/answer-templates/new", TEMPLATE)
    address = re.search(r'href="(/answer-templates/[0-9a-f-]{36})"', html)
    assert address
    for name, status in (("elsewhere", 404), ("supervisor", 403), ("staff", 403)):
        other = visitor(world, name)
        for path in (address[1], f"{address[1]}/text"):
            await other.open(path)
            assert other.status == status, (name, path)
    assert "/answer-templates" not in await visitor(world, "staff").open("/tasks")


async def test_a_template_goes_below_what_is_typed_and_all_else_stays(world: World) -> None:
    await bring_to_customs(world)
    handler = visitor(world, "handler")
    await handler.open("/answer-templates/new")
    await handler.send("/answer-templates/new", TEMPLATE)
    task = await task_of(handler, "claimable")
    await handler.open(task)
    html = await handler.send(f"{task}/claim", {})
    chosen = re.search(r'<option value="([0-9a-f-]{36})">补充申报</option>', html)
    assert chosen
    typed = {"decision": "answer", "answer": "您好！", "reason": "还没想好", "act": "template"}
    html = await handler.send(task, typed | {"template": chosen[1]})
    assert handler.address == task
    assert f"您好！\n\n{TEMPLATE['text']}</textarea>" in html
    assert "还没想好" in html
    assert re.search(r'value="answer"[^>]* checked', html)
    for missing in ("", "nonsense", "00000000-0000-7000-8000-000000000000"):
        html = await handler.send(task, {"answer": "只有这些", "act": "template", "template": missing})
        assert "只有这些</textarea>" in html
    html = await handler.send(task, {"decision": "answer", "answer": "应当计入。", "template": chosen[1]})
    assert "已答复企业" in html, "what is chosen but not put in is no answer"


async def test_only_a_form_with_an_answer_offers_templates(world: World) -> None:
    await bring_to_customs(world)
    staff = visitor(world, "staff")
    assert "f-template" not in await staff.open("/issues/new")

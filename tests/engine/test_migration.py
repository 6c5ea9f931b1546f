"""Going on by another version: what is carried over, and when it is refused."""

from datetime import timedelta

import pytest

from engine.exceptions import (
    MigrationRefused,
)
from tests.engine.office import Office
from tests.engine.small_processes import ANN, BEN, CAT, draw_order, draw_vote, flows, properties


async def test_an_instance_goes_on_by_another_version_with_its_claims_and_moments(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    await office.claim(check.id, BEN)
    files = draw_order(remark="二")
    files["order.bpmn"] = files["order.bpmn"].replace("已完成", "全部完成").replace("P30D", "P60D")
    newer, _ = await office.engine.catalogue.deploy(
        office.session, "order", files, actor=None, now=office.now
    )
    due_before = (await office.instance(check.instance_id)).next_due
    office.now += timedelta(hours=1)
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    step = await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    assert (step.created, step.cancelled, step.next_due, step.definition_id) == ([], [], due_before, newer.id)
    task = await office.task(check.id)
    assert (task.definition_id, task.claimed_by, task.state) == (newer.id, BEN, "ready")
    assert (await office.instance(check.instance_id)).status == "审核中"
    ended = await office.complete(check.id, BEN, decision="fine")
    assert ended.status == "全部完成"


async def test_what_comes_after_a_live_task_is_that_of_the_new_version(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    files = draw_order()
    sign = f"""<bpmn:userTask id="sign_order" name="签字">{properties(candidateGroups='"auditor"')}</bpmn:userTask>
        {flows("sign_order>checked")}</bpmn:process>"""
    body = files["order.bpmn"].replace('targetRef="checked"', 'targetRef="sign_order"')
    files["order.bpmn"] = body.replace("</bpmn:process>", sign)
    files["order/sign_order.form"] = files["order/fill_order.form"]
    newer, _ = await office.engine.catalogue.deploy(
        office.session, "order", files, actor=None, now=office.now
    )
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    await office.claim(check.id, BEN)
    step = await office.complete(check.id, BEN, decision="fine")
    assert [task.element_id for task in step.created] == ["sign_order"]


async def test_a_vote_under_way_is_migrated(office: Office) -> None:
    started = await office.start("vote", poll={"voters": [str(ANN), str(BEN)]})
    by_person = {task.claimed_by: task.id for task in started.created}
    await office.complete(by_person[ANN], ANN, stop=False)
    files = {name: body.replace("已表决", "表决完毕") for name, body in draw_vote().items()}
    newer, _ = await office.engine.catalogue.deploy(office.session, "vote", files, actor=None, now=office.now)
    locked = await office.engine.lock_instance(office.session, started.instance_id)
    step = await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    assert step.next_due == office.now + timedelta(days=15)
    last = await office.complete(by_person[BEN], BEN, stop=False)
    assert (last.ended, last.status) == (True, "表决完毕")


async def test_a_migration_that_would_lose_a_live_task_is_refused_and_names_it(office: Office) -> None:
    check = (await office.order_to_check()).created[0]
    files = draw_order(check_id="inspect_order")
    newer, _ = await office.engine.catalogue.deploy(
        office.session, "order", files, actor=None, now=office.now
    )
    locked = await office.engine.lock_instance(office.session, check.instance_id)
    with pytest.raises(MigrationRefused) as refused:
        await office.engine.migrate(office.session, locked, newer.id, actor=CAT, now=office.now)
    assert "check_order" in refused.value.details["elements"]
    vote = await office.engine.catalogue.newest(office.session, "vote")
    with pytest.raises(MigrationRefused):
        await office.engine.migrate(office.session, locked, vote.id, actor=CAT, now=office.now)

"""The life of an issue, taken through the real process by the people who do it."""

from tests.tasks.world import World


async def test_an_issue_goes_from_draft_to_cleared(world: World) -> None:
    issue = await world.raise_issue()
    assert (issue.status, issue.phase) == ("草稿", "draft")
    assert issue.number == f"QL23012026{issue.number[-6:]}"

    result = await world.complete("staff", issue.id, "draft_issue", send=True)
    assert result.issue == {"id": str(issue.id), "status": "高管未审核", "phase": "review"}
    await world.complete("boss", issue.id, "review_issue", decision="submit", importance="紧急")
    at_customs = await world.issue(issue.id)
    assert (at_customs.status, at_customs.phase, at_customs.importance) == ("海关待受理", "customs", "紧急")
    assert at_customs.submitted_at == world.now

    await world.claim("handler", issue.id)
    claimed = await world.issue(issue.id)
    assert (claimed.status, claimed.first_claimed_at) == ("海关办理中", world.now)
    await world.complete("handler", issue.id, "answer_issue", decision="answer", answer="可以办理。")
    answered = await world.issue(issue.id)
    assert (answered.status, answered.phase) == ("已完成", "answered")
    assert answered.answered_at == world.now

    await world.complete("staff", issue.id, "evaluate_answer", rating=1)
    assert (await world.issue(issue.id)).status == "已完成"
    await world.complete("boss", issue.id, "evaluate_answer", rating=2, comment="同意海关意见。")
    cleared = await world.issue(issue.id)
    assert (cleared.status, cleared.phase, cleared.outcome) == ("已清零", "closed", "cleared")
    assert cleared.closed_at == world.now

"""An issue from its draft to its evaluation; another one is taken back."""

from typing import Any

from tests.api.contract.played import Day
from tests.api.test_json_life import PNG

ISSUE = {
    "kind": "政策咨询",
    "category": "减免税",
    "office": "2301",
    "title": "减免税设备能否提前解除监管",
    "description": "我司一台进口设备尚在监管年限内，拟转让给同集团企业，请问如何办理？",
    "contact": "李敏 13900000001",
}


async def play_issues(day: Day) -> None:
    """Drafted, reviewed, claimed, handed on, answered, evaluated."""
    await day.say("staff", "GET", "/api/v1/lists")
    file = ("设备照片.png", PNG, "image/png")
    stored = await day.say("staff", "POST", "/api/v1/attachments", file=file)
    body = ISSUE | {"attachments": [stored["id"]]}
    issue = await day.say("staff", "POST", "/api/v1/issues", json=body)
    await _send_to_customs(day, issue["id"])
    await day.say("staff", "GET", "/api/v1/attachments/{}", stored["id"])
    await day.say("staff", "GET", "/api/v1/attachments/{}/small", stored["id"])
    await day.say("staff", "GET", "/api/v1/attachments/{}/pages/{}", stored["id"], "1")
    await _answer(day)
    for name in ("staff", "executive"):
        [task] = (await day.say(name, "GET", "/api/v1/tasks"))["items"]
        await _complete(day, name, task, {"rating": 1, "comment": "答复清楚，谢谢。"})
    await day.say("staff", "GET", "/api/v1/issues/{}", issue["id"])
    await day.say("staff", "GET", "/api/v1/issues/{}/timeline", issue["id"])
    await day.say("staff", "GET", "/api/v1/issues/{}/diagram", issue["id"])
    await day.say("staff", "GET", "/api/v1/issues", query="?phase=closed&q=减免税&limit=20")
    other = await day.say("staff", "POST", "/api/v1/issues", json=ISSUE | {"title": "另一个问题"})
    await day.say("staff", "POST", "/api/v1/issues/{}/withdraw", other["id"])


async def _send_to_customs(day: Day, issue_id: str) -> None:
    [task] = (await day.say("staff", "GET", "/api/v1/tasks", query="?view=mine"))["items"]
    await day.say(
        "staff", "PUT", "/api/v1/tasks/{}/draft", task["id"], json={"answers": {"title": "减免税设备"}}
    )
    await _complete(day, "staff", task, {"send": True})
    [task] = (await day.say("executive", "GET", "/api/v1/tasks", query="?view=mine"))["items"]
    await _complete(day, "executive", task, {"decision": "submit", "importance": "重要"})


async def _answer(day: Day) -> None:
    [task] = (await day.say("handler", "GET", "/api/v1/tasks", query="?view=claimable"))["items"]
    await day.say("handler", "POST", "/api/v1/tasks/{}/claim", task["id"])
    await day.say("handler", "POST", "/api/v1/tasks/{}/release", task["id"])
    await day.say("handler", "POST", "/api/v1/tasks/{}/claim", task["id"])
    await day.say("handler", "GET", "/api/v1/tasks/{}", task["id"])
    await day.say("handler", "GET", "/api/v1/tasks/{}/colleagues", task["id"])
    to = str(day.world.people["colleague"])
    held = await day.say("handler", "POST", "/api/v1/tasks/{}/hand-over", task["id"], json={"to": to})
    answer = {
        "decision": "answer",
        "answer": "可以申请提前解除监管，请持原减免税证明到现场海关办理补税手续。",
    }
    await _complete(day, "colleague", held, answer)


async def _complete(day: Day, name: str, task: dict[str, Any], answers: dict[str, Any]) -> None:
    await day.say(
        name,
        "POST",
        "/api/v1/tasks/{}/complete",
        task["id"],
        headers={"Idempotency-Key": task["id"]},
        json={"answers": answers, "version": task["version"]},
    )

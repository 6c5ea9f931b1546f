"""Clients that take issues through their life over the JSON contract, and write down what was acknowledged to them.

A request without an answer (the server was killed) is repeated with its key until it is answered: that is what the
contract asks of a client, and what the record is held against afterwards.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

QUESTION = "进口料件归类与随附单证不一致，申报系统提示需要补充说明，请问应当如何办理？" * 20
ANSWER = "经核实，请按照规定在单一窗口提交补充申报，并随附品质说明；审核通过后即可放行。" * 20
RETRY_PAUSE_S = 0.1
PATIENCE_S = 120


@dataclass
class Record:
    """What this run's clients were told."""

    completed: dict[UUID, str] = field(default_factory=dict)  # task → the key it was completed with
    cleared: list[UUID] = field(default_factory=list)
    repeated: int = 0  # requests that had to be sent again
    twice: list[UUID] = field(default_factory=list)  # tasks acknowledged under two keys: must stay empty


class Client:
    """One person's program; tokens outlive the server's process because sessions lie in the database."""

    def __init__(self, origin: str, record: Record) -> None:
        self._http = httpx.AsyncClient(base_url=f"{origin}/api/v1", timeout=10)
        self._record = record
        self._token = ""
        self.person = ""

    async def sign_in(self, phone: str, password: str | None) -> None:
        challenge = (await self.send("POST", "/sign-in/code", {"phone": phone}))["challenge"]
        code = await self._code_of(phone)
        body = {"challenge": challenge, "phone": phone, "code": code}
        answer = await self.send("POST", "/sign-in", body | ({"password": password} if password else {}))
        self._token = answer["token"]
        self.person = answer["person"]["id"]

    async def _code_of(self, phone: str) -> str:
        for _ in range(200):
            for mail in await self.send("GET", "/dev/inbox"):
                if mail["to"].endswith(phone) and mail["code"]:
                    return str(mail["code"])
            await asyncio.sleep(0.05)
        raise TimeoutError(f"no code arrived for {phone}")

    async def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """The answer, however often the request has to be repeated; raises on a refusal."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if key:
            headers["Idempotency-Key"] = key
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        attempt = 0
        while True:
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                self._record.repeated += attempt > 0
                answer.raise_for_status()
                return answer.json() if answer.content else None
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{method} {path}: {answer.text if answer is not None else 'no answer'}")
            await asyncio.sleep(RETRY_PAUSE_S)
            attempt += 1

    async def my_task(self, issue: str, element: str, view: str = "mine") -> str:
        """The open task of this element, found by paging through the list."""
        after = ""
        while True:
            page = await self.send("GET", f"/tasks?view={view}&after={after}")
            for item in page["items"]:
                if item["issue"] and item["issue"]["id"] == issue and item["element_id"] == element:
                    return str(item["id"])
            if not page["next"]:
                raise LookupError(f"no task {element} of {issue} in {view}")
            after = page["next"]

    async def complete(self, task: str, answers: dict[str, Any]) -> Any:
        key = str(uuid4())
        version = (await self.send("GET", f"/tasks/{task}"))["version"]
        answer = await self.send(
            "POST", f"/tasks/{task}/complete", {"answers": answers, "version": version}, key=key
        )
        if UUID(task) in self._record.completed:
            self._record.twice.append(UUID(task))
        self._record.completed[UUID(task)] = key
        return answer

    async def close(self) -> None:
        await self._http.aclose()


@dataclass
class People:
    """Who plays: a submitter, the executive of the same enterprise, a handler of the office asked."""

    submitter: Client
    executive: Client
    handler: Client
    office: str

    @classmethod
    async def of_the_demo(cls, origin: str, record: Record) -> "People":
        visitor = Client(origin, record)
        directory = await visitor.send("GET", "/dev/people")
        await visitor.close()
        handler = next(person for person in directory if "handler" in person["roles"])
        executives = [person for person in directory if "executive" in person["roles"]]
        alone = next(
            one for one in executives if sum(e["enterprise"] == one["enterprise"] for e in executives) == 1
        )
        submitter = next(
            person
            for person in directory
            if person["enterprise"] == alone["enterprise"] and "customs_affairs" in person["roles"]
        )
        clients = [Client(origin, record) for _ in range(3)]
        for client, person in zip(clients, (submitter, alone, handler), strict=True):
            await client.sign_in(person["phone"], person["password"])
        return cls(*clients, office=handler["office"])

    async def close(self) -> None:
        for client in (self.submitter, self.executive, self.handler):
            await client.close()


async def clear_issues(people: People, record: Record, stop: asyncio.Event, seed: int) -> None:
    """One issue after the other from draft to cleared, until told to stop; ends between two issues."""
    luck = random.Random(seed)
    while not stop.is_set():
        record.cleared.append(await clear_one_issue(people, luck))


async def clear_one_issue(people: People, luck: random.Random) -> UUID:
    """Draft, review (sometimes returned first), claim, answer, both evaluations; its id."""
    lists = await people.submitter.send("GET", "/lists")
    issue = (
        await people.submitter.send(
            "POST",
            "/issues",
            {
                "kind": lists["kinds"][0]["code"],
                "category": lists["categories"][0]["code"],
                "office": people.office,
                "title": f"归类疑问 {luck.randrange(10**9)}",
                "description": QUESTION,
            },
            key=str(uuid4()),
        )
    )["id"]
    await people.submitter.complete(await people.submitter.my_task(issue, "draft_issue"), {"send": True})
    if luck.random() < 0.3:
        review = await people.executive.my_task(issue, "review_issue")
        await people.executive.complete(review, {"decision": "return", "comment": "请补充商品用途"})
        await people.submitter.complete(await people.submitter.my_task(issue, "rework_issue"), {"send": True})
    review = await people.executive.my_task(issue, "review_issue")
    await people.executive.complete(
        review, {"decision": "submit", "importance": lists["importances"][0]["code"]}
    )
    answer = await people.handler.my_task(issue, "answer_issue", "claimable")
    await people.handler.send("POST", f"/tasks/{answer}/claim")
    await people.handler.complete(answer, {"decision": "answer", "answer": ANSWER})
    for who in (people.submitter, people.executive):
        await who.complete(await who.my_task(issue, "evaluate_answer"), {"rating": 1})
    return UUID(issue)

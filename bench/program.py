"""A program that talks to the application in this process without a socket: ASGI messages in, status and JSON out."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from fastapi import FastAPI
from sqlalchemy import text

from bench.world import ANSWER, OFFICE, QUESTION, World

FIND_TASK = text("""
SELECT id FROM user_task WHERE instance_id = :issue AND element_id = :element AND state = 'ready'
    AND (claimed_by = :holder OR CAST(:holder AS uuid) IS NULL)
""")


@dataclass
class Program:
    """One person's program."""

    app: FastAPI
    token: str

    async def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """The JSON answer; AssertionError with it when it is not a success."""
        status, answer = await self.exchange(method, path, body, key=key)
        assert 200 <= status < 300, (method, path, status, answer)
        return orjson.loads(answer) if answer else None

    async def exchange(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> tuple[int, bytes]:
        """Status and body as they left the application."""
        content = orjson.dumps(body) if body is not None else b""
        headers = [
            (b"host", b"127.0.0.1"),
            (b"authorization", f"Bearer {self.token}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if key:
            headers.append((b"idempotency-key", key.encode()))
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        incoming = iter([{"type": "http.request", "body": content, "more_body": False}])
        parts: list[bytes] = []
        status = 0

        async def receive() -> dict[str, Any]:
            if message := next(incoming, None):
                return message
            await asyncio.Event().wait()  # it stays until it is answered
            raise AssertionError

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self.app(scope, receive, send)
        return status, b"".join(parts)


@dataclass
class Cast:
    """Who takes issues through their rounds."""

    world: World
    submitter: Program
    executive: Program
    handler: Program

    @classmethod
    def of(cls, world: World) -> "Cast":
        """One program for each of the people of this world."""
        names = ("submitter", "executive", "handler")
        return cls(world, *(Program(world.app, world.tokens[name]) for name in names))

    @property
    def submitter_id(self) -> UUID:
        """Who raises the issues."""
        return self.world.people["submitter"]

    async def find_task(self, issue: UUID, element: str, holder: UUID | None = None) -> UUID:
        """The open task of this element, looked up beside the application so that it costs the measurement nothing."""
        async with self.world.wired.sessions() as session:
            found = await session.execute(FIND_TASK, {"issue": issue, "element": element, "holder": holder})
            return UUID(str(found.scalar_one()))


async def raise_to_customs(cast: Cast) -> UUID:
    """A new issue with a 5,000-character question, reviewed and submitted, waiting to be claimed."""
    body = {
        "kind": "政策咨询",
        "category": "税收征管",
        "office": OFFICE,
        "title": "测量",
        "description": QUESTION,
    }
    issue = UUID((await cast.submitter.send("POST", "/api/v1/issues", body))["id"])
    await complete(cast.submitter, await cast.find_task(issue, "draft_issue"), {"send": True})
    review = {"decision": "submit", "importance": "一般"}
    await complete(cast.executive, await cast.find_task(issue, "review_issue"), review)
    return issue


async def claim_answer(cast: Cast, issue: UUID) -> UUID:
    """The task to answer it, claimed by the handler."""
    task = await cast.find_task(issue, "answer_issue")
    await cast.handler.send("POST", f"/api/v1/tasks/{task}/claim")
    return task


async def reopen(cast: Cast, issue: UUID) -> None:
    """The submitter is not content: the next round begins, unclaimed."""
    evaluation = {"rating": 3, "comment": "问题仍未解决", "reopen": True}
    task = await cast.find_task(issue, "evaluate_answer", cast.submitter_id)
    await complete(cast.submitter, task, evaluation)


async def complete(program: Program, task: UUID, answers: dict[str, Any], path: str = "/api/v1/tasks") -> Any:
    """One completion with a fresh key."""
    return await program.send("POST", f"{path}/{task}/complete", {"answers": answers}, key=str(uuid4()))


async def time_completion(program: Program, task: UUID, path: str = "/api/v1/tasks") -> float:
    """CPU milliseconds of this process for one answer of 5,000 characters."""
    body, key = {"answers": {"decision": "answer", "answer": ANSWER}}, str(uuid4())
    started = time.process_time()
    status, answer = await program.exchange("POST", f"{path}/{task}/complete", body, key=key)
    used = (time.process_time() - started) * 1000
    assert status == 200, answer[:200]
    return used

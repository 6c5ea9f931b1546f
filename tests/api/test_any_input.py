"""Whatever is sent, nothing breaks: schemathesis makes requests from the OpenAPI description, for made-up and real ids."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok

from api.app import create_app
from api.serving import bind
from tests.api.conftest import World, add_people, make_settings
from tests.api.test_json_life import QUESTION
from tests.cardauth.pki import Pki
from wiring import open_parts


class Served:
    """The application on a port, in a thread with an event loop of its own."""

    def __init__(self, database_url: str, folder: Path) -> None:
        cards = Pki.make(datetime.now(UTC)).write(folder / "cards")
        self.settings = make_settings(folder, database_url, log_level="ERROR", card_trust_dir=cards)
        self.listener = bind("127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.started = threading.Event()
        self.tokens: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.server: uvicorn.Server | None = None

    async def run(self) -> None:
        """Serve until `server.should_exit`."""
        async with open_parts(self.settings, self.settings.database_url or "") as wired:
            world = World(create_app(wired), wired)
            async with wired.sessions() as session:
                await add_people(session, world, datetime.now(UTC))
                await session.commit()
            self.tokens = world.tokens
            self.server = uvicorn.Server(
                uvicorn.Config(world.app, lifespan="off", ws="none", log_config=None)
            )
            self.started.set()
            await self.server.serve(sockets=[self.listener])


@contextmanager
def serve(database_url: str, folder: Path) -> Iterator[Served]:
    served = Served(database_url, folder)
    thread = threading.Thread(target=lambda: asyncio.run(served.run()))
    thread.start()
    try:
        assert served.started.wait(30)
        yield served
    finally:
        assert served.server is not None
        served.server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def served(postgres_server: Any, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with one issue whose draft lies with the one who asks."""
    url = postgres_server.create("any_input", deployed)
    with serve(url, tmp_path_factory.mktemp("any_input")) as served:
        headers = {"Authorization": f"Bearer {served.tokens['staff']}"}
        with httpx.Client(base_url=served.origin, headers=headers) as client:
            served.ids["issue_id"] = client.post("/api/v1/issues", json=QUESTION).json()["id"]
            served.ids["task_id"] = client.get("/api/v1/tasks").json()["items"][0]["id"]
        yield served
    postgres_server.drop("any_input")


PROFILE = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def test_no_input_breaks_the_server(served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.tokens['staff']}"}
    described = schemathesis.openapi.from_url(f"{served.origin}/openapi.json")
    tried: set[str] = set()

    def send(case: Case[Any]) -> None:
        answer = case.call(base_url=served.origin, headers=headers)
        assert answer.status_code < 500, f"{case.method} {case.path} {case.body!r}: {answer.text}"
        tried.add(f"{case.method} {case.path}")

    for result in described.exclude(method="DELETE").get_all_operations():  # DELETE would sign the caller out
        assert isinstance(result, Ok), result

        @PROFILE
        @given(case=result.ok().as_strategy())
        def try_operation(case: Case[Any]) -> None:
            send(case)
            real = {name: id_ for name, id_ in served.ids.items() if name in (case.path_parameters or {})}
            if real:
                case.path_parameters = {**case.path_parameters, **real}
                send(case)

        try_operation()
    assert len(tried) > 20

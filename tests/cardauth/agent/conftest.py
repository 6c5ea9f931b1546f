"""What the agent's tests share: a server on a free port whose desk records."""

import threading
from collections.abc import Callable, Iterator

import pytest

from cardauth.agent.server import AgentServer
from cardauth.agent.settings import AgentSettings
from tests.cardauth.agent.fakes import RecordingDesk

SITE = "https://qingling.example.cn"
Serve = Callable[[RecordingDesk], AgentServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server for a desk; all are stopped at the end."""
    running: list[tuple[AgentServer, threading.Thread]] = []

    def start(desk: RecordingDesk) -> AgentServer:
        server = AgentServer(AgentSettings(origins=(SITE, "http://127.0.0.1:8000"), port=0), desk)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()

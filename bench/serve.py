"""`python -m bench.serve FD DATABASE_URL DATA_DIR`: one web process of the product with the twin beside it."""

import socket
import sys
from pathlib import Path

import uvloop
from pydantic import SecretStr

from api.app import create_app
from api.logs import configure_logging
from api.serving import serve_app
from bench.twin import add_twin
from settings import Settings
from wiring import open_parts


async def serve(listener: socket.socket, database_url: str, data_dir: Path) -> None:
    """Until SIGTERM."""
    settings = Settings(
        demo=True,
        data_dir=data_dir,
        database_url=database_url,
        secret_key=SecretStr("bench"),
        log_level="WARNING",
    )
    configure_logging(settings)
    async with open_parts(settings, database_url) as wired:
        app = create_app(wired)
        add_twin(app)
        await serve_app(app, settings, listener)


if __name__ == "__main__":
    uvloop.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], Path(sys.argv[3])))

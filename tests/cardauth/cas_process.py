"""The real CAS server as its own process, and a browser that signs in there; for every test that needs one."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.cardauth.cas_server import PASSWORD, USER

ROOT = Path(__file__).parents[2]


@contextmanager
def running_cas(folder: Path, service: str) -> Iterator[str]:
    """Its address, for as long as the block lasts; `service` is how the addresses that it serves begin."""
    command = [sys.executable, "-m", "tests.cardauth.cas_server", str(folder), service]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(process.stderr.read())
        try:
            yield url
        finally:
            process.stdin.close()
            process.stdout.close()
            process.stderr.close()
            process.wait(timeout=10)


class Browser:
    """Somebody's browser at the CAS server: one session, as cookies make it."""

    def __init__(self) -> None:
        self._http = httpx.Client(timeout=10)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign_in(self, login_url: str) -> str:
        """Type name and password (where the server asks for them); the ticket it sends the browser back with."""
        page = self._http.get(login_url)
        if page.status_code == 200:
            [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
            form = {"username": USER, "password": PASSWORD, "csrfmiddlewaretoken": token}
            page = self._http.post(login_url, data=form)
        assert page.status_code == 302, page.text
        return parse_qs(urlsplit(page.headers["location"]).query)["ticket"][0]

    def sign_out(self, logout_url: str) -> str:
        """Sign out everywhere; where the server sends the browser then."""
        return str(self._http.get(logout_url).headers["location"])

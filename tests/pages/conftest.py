"""The application of tests/api, met by browsers: cookies, forms and their tokens, no script."""

import re
from html import unescape
from typing import Any

import httpx

from tests.api.conftest import World, deployed, logs_as_served, peopled, world

__all__ = ["Visitor", "World", "deployed", "logs_as_served", "peopled", "world"]

QUESTION = {
    "kind": "政策咨询",
    "category": "税收征管",
    "office": "2301",
    "title": "进口软件的许可费是否计入完税价格",
    "description": "合同约定许可费按年另行支付。",
}


class Visitor:
    """A person at a browser without JavaScript: opens pages, fills in the form on them, presses a button."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.client.headers["accept"] = "text/html"
        self.html = ""
        self.status = 0
        self.address = ""

    async def open(self, address: str) -> str:
        """The page's HTML, after redirects."""
        return self._keep(await self.client.get(address, follow_redirects=True))

    async def send(self, address: str, answers: dict[str, Any], **options: Any) -> str:
        """Post the form of the page at hand, with its hidden fields, to `address`."""
        hidden = {name: self.hidden(name) for name in ("csrf_token", "idempotency_key", "version")}
        body = {name: value for name, value in hidden.items() if value} | answers
        answer = await self.client.post(address, data=body, follow_redirects=True, **options)
        return self._keep(answer)

    def hidden(self, name: str) -> str | None:
        """The last hidden field of this name: forms of the page's own come after those of the frame."""
        found = re.findall(rf'name="{name}" value="([^"]*)"', self.html)
        return unescape(found[-1]) if found else None

    def _keep(self, answer: httpx.Response) -> str:
        self.html, self.status, self.address = answer.text, answer.status_code, str(answer.url.path)
        return self.html

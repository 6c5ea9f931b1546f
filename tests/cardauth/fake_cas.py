"""A CAS server in this process, as strict as the protocol allows: tickets are good once, within ten seconds, for one service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

import httpx

CAS_URL = "https://cas.example.cn/cas"


@dataclass
class FakeCas:
    """Tickets it has given out, and what it says about their owners. `answer` replaces its next answers."""

    answer: httpx.Response | None = None
    tickets: dict[str, tuple[str, str, Mapping[str, list[str]]]] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def give(self, service: str, user: str, attributes: Mapping[str, list[str]] | None = None) -> str:
        """A ticket, as the browser brings it after signing in."""
        ticket = f"ST-{len(self.tickets) + 1}-{'x' * 20}"
        self.tickets[ticket] = (service, user, attributes or {})
        return ticket

    def client(self) -> httpx.AsyncClient:
        """A client that reaches this server and nothing else."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.answer is not None:
            return self.answer
        assert (request.method, request.url.path) == ("GET", "/cas/p3/serviceValidate")
        assert set(request.url.params) == {"service", "ticket"}
        ticket, service = request.url.params["ticket"], request.url.params["service"]
        known = self.tickets.pop(ticket, None)
        if known is None:
            return httpx.Response(200, text=failure("INVALID_TICKET", f"Ticket {ticket} not recognized"))
        if known[0] != service:
            return httpx.Response(200, text=failure("INVALID_SERVICE", "for another service"))
        return httpx.Response(200, text=success(known[1], known[2]))


def success(user: str, attributes: Mapping[str, list[str]] | None = None) -> str:
    """The XML of appendix A."""
    sent = "".join(
        f"<cas:{name}>{escape(value)}</cas:{name}>"
        for name, values in (attributes or {}).items()
        for value in values
    )
    return respond(
        f"<cas:authenticationSuccess><cas:user>{escape(user)}</cas:user>"
        f"<cas:attributes>{sent}</cas:attributes></cas:authenticationSuccess>"
    )


def failure(code: str, text: str = "") -> str:
    """The XML of 2.5.2."""
    return respond(
        f"<cas:authenticationFailure code={quoteattr(code)}>{escape(text)}</cas:authenticationFailure>"
    )


def respond(content: str) -> str:
    """Around an answer."""
    return f'<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">{content}</cas:serviceResponse>'

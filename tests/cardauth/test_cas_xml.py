"""The XML of CAS, read strictly."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardauth.cas import CasClient
from cardauth.cas_xml import CasAnswerWrong, read_service_response
from cardauth.exceptions import CasRefused
from tests.cardauth.fake_cas import failure, respond, success

USER = "<cas:user>wang</cas:user>"
GOOD = f"<cas:authenticationSuccess>{USER}</cas:authenticationSuccess>"
PROTOCOL, ASSERTION = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
TICKET = "ST-1-abcdefghijklmnopqrst"
INDEX = f"<samlp:SessionIndex>{TICKET}</samlp:SessionIndex>"


def inside(content: str) -> str:
    return respond(f"<cas:authenticationSuccess>{content}</cas:authenticationSuccess>")


def test_an_answer_is_read() -> None:
    answer = read_service_response(success("wang", {"a": ["1", "2"], "b": ["x & y"]}).encode())
    assert (answer.user, answer.failure) == ("wang", None)
    assert answer.attributes == {"a": ("1", "2"), "b": ("x & y",)}
    assert read_service_response(respond(GOOD).encode()).attributes == {}
    assert read_service_response(failure("INVALID_TICKET", "no").encode()).failure == "INVALID_TICKET"


def test_a_comment_does_not_cut_a_name_off() -> None:
    answer = read_service_response(inside("<cas:user>admin<!-- -->.evil</cas:user>").encode())
    assert answer.user == "admin.evil"


def test_an_attribute_with_elements_in_it_is_left_out() -> None:
    answer = read_service_response(
        inside(f"{USER}<cas:attributes><cas:a>x<cas:b/></cas:a></cas:attributes>").encode()
    )
    assert answer.attributes == {}


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "yes\nwang\n",
        "<html></html>",
        respond(""),
        respond(GOOD + GOOD),
        respond(GOOD + "<cas:authenticationFailure code='X'/>"),
        respond("<cas:proxySuccess/>"),
        respond("<authenticationSuccess/>"),
        respond(GOOD).replace("www.yale.edu/tp/cas", "www.yale.edu/tp/cas/"),
        respond(GOOD).replace("cas:serviceResponse", "cas:response"),
        GOOD.replace(">", ' xmlns:cas="http://www.yale.edu/tp/cas">', 1),
        inside(""),
        inside("<cas:user/>"),
        inside("<cas:user>  </cas:user>"),
        inside("<user>wang</user>"),
        inside(USER + USER),
        inside("<cas:user>wang<cas:x/></cas:user>"),
        inside(f"<cas:attributes>{USER}</cas:attributes>"),
        inside(f"{USER}<cas:proxies><cas:proxy>https://p</cas:proxy></cas:proxies>"),
        inside(f"{USER}<cas:attributes/><cas:attributes/>"),
        f"<!DOCTYPE x>{respond(GOOD)}",
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{inside("<cas:user>&e;</cas:user>")}',
        f'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>{inside("<cas:user>&b;</cas:user>")}',
        f'<?xml version="1.0" encoding="nonsense"?>{respond(GOOD)}',
        respond(GOOD)[:-1],
        respond(GOOD) + respond(GOOD),
    ],
)
def test_what_is_not_exactly_an_answer_is_refused(xml: str) -> None:
    with pytest.raises(CasAnswerWrong):
        read_service_response(xml.encode())


@given(
    st.binary()
    | st.text().map(lambda text: respond(text).encode())
    | st.text().map(lambda text: inside(text).encode())
)
@settings(deadline=None)
def test_nothing_breaks_it(xml: bytes) -> None:
    with suppress(CasAnswerWrong):
        read_service_response(xml)
    with suppress(CasRefused):
        CasClient.read_logout_request(xml)


# Log-out from the other side


def logout(content: str = INDEX, name: str = "LogoutRequest") -> str:
    return (
        f'<samlp:{name} xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="x" Version="2.0" '
        f'IssueInstant="2026-03-02T01:00:00Z"><saml:NameID>@NOT_USED@</saml:NameID>{content}</samlp:{name}>'
    )


def test_a_log_out_names_the_ticket() -> None:
    assert CasClient.read_logout_request(logout()) == TICKET
    assert CasClient.read_logout_request(logout(INDEX.replace(TICKET, f"\n {TICKET}\n")).encode()) == TICKET


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "x",
        logout(""),
        logout(INDEX + INDEX),
        logout(INDEX.replace("samlp:", "saml:")),
        logout(f"<x>{INDEX}</x>"),
        logout(INDEX.replace(TICKET, "")),
        logout(INDEX.replace(TICKET, "TGT-1-x")),
        logout(INDEX.replace(TICKET, f"{TICKET}<x/>")),
        logout(name="LogoutResponse"),
        logout().replace(PROTOCOL, "urn:other"),
        f"<!DOCTYPE x>{logout()}",
        logout(INDEX + " " * 70_000),
    ],
)
def test_what_is_not_exactly_a_log_out_is_refused(xml: str) -> None:
    with pytest.raises(CasRefused) as refused:
        CasClient.read_logout_request(xml)
    assert refused.value.code == "INVALID_LOGOUT_REQUEST"

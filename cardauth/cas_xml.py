"""The two XML documents of CAS, read strictly: the exact namespace, exactly one of what there should be one of, no DTD."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

CAS = "{http://www.yale.edu/tp/cas}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
CODE_MAX_LENGTH = 64


class CasAnswerWrong(ValueError):
    """The document is not what the protocol says; the text says how, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class ServiceResponse:
    """What /p3/serviceValidate answered: the code of a failure, or who it is."""

    failure: str | None = None
    user: str = field(default="", repr=False)
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]], repr=False)


def read_service_response(xml: bytes) -> ServiceResponse:
    """The answer (protocol 2.5.1, 2.5.2 and appendix A). Raises CasAnswerWrong."""
    root = _parse(xml)
    if root.tag != f"{CAS}serviceResponse" or len(root) != 1:
        raise CasAnswerWrong("not one answer in a serviceResponse")
    answer = root[0]
    if answer.tag == f"{CAS}authenticationFailure":
        return ServiceResponse(failure=_code(answer))
    if answer.tag != f"{CAS}authenticationSuccess":
        raise CasAnswerWrong("neither success nor failure")
    if answer.find(f"{CAS}proxies") is not None:
        raise CasAnswerWrong("a proxy's ticket")
    user = _text(_only_child(answer, f"{CAS}user"))
    if not user:
        raise CasAnswerWrong("no user")
    return ServiceResponse(user=user, attributes=_attributes(answer))


def find_session_index(xml: bytes) -> str:
    """The ticket in a LogoutRequest (protocol 2.3.3, appendix C). Raises CasAnswerWrong."""
    root = _parse(xml)
    if root.tag != f"{SAMLP}LogoutRequest":
        raise CasAnswerWrong("not a LogoutRequest")
    return _text(_only_child(root, f"{SAMLP}SessionIndex"))


def _parse(xml: bytes) -> Element:
    try:
        return fromstring(xml, forbid_dtd=True)
    except (
        ParseError,
        DefusedXmlException,
        ValueError,
        LookupError,
    ) as error:  # LookupError: an unknown encoding
        raise CasAnswerWrong(type(error).__name__) from None


def _only_child(element: Element, tag: str) -> Element:
    found = element.findall(tag)
    if len(found) != 1:
        raise CasAnswerWrong("not exactly one of what there should be one of")
    return found[0]


def _text(element: Element) -> str:
    """What stands in an element that holds text alone: `a<b/>c` is not read as `a`."""
    if len(element):
        raise CasAnswerWrong("elements where a text should be")
    return (element.text or "").strip()


def _code(answer: Element) -> str:
    code = answer.get("code", "")
    return code if code.isascii() and code.isidentifier() and len(code) <= CODE_MAX_LENGTH else "UNKNOWN"


def _attributes(answer: Element) -> dict[str, tuple[str, ...]]:
    """Each attribute's values, in the order sent; one that holds elements is of no use to us."""
    values: dict[str, tuple[str, ...]] = {}
    for child in _children(answer):
        if child.tag.startswith(CAS) and not len(child):
            name = child.tag.removeprefix(CAS)
            values[name] = (*values.get(name, ()), _text(child))
    return values


def _children(answer: Element) -> Iterator[Element]:
    groups = answer.findall(f"{CAS}attributes")
    if len(groups) > 1:
        raise CasAnswerWrong("attributes twice")
    for group in groups:
        yield from group

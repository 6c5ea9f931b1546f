"""XML that anybody may send: no document type, no entities, exactly one of what there should be one of."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from wechat.exceptions import CallbackRefused

TEXT_MAX_CHARS = 64 * 1024


def parse(xml: bytes) -> Element:
    """The root, which is called `xml`. Raises CallbackRefused."""
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):  # LookupError: an unknown encoding
        raise CallbackRefused("malformed") from None
    if root.tag != "xml":
        raise CallbackRefused("malformed")
    return root


def only_text(element: Element, tag: str, *, most: int = TEXT_MAX_CHARS) -> str:
    """The text of the only child of this name. Raises CallbackRefused."""
    text = find_text(element, tag, most=most)
    if not text:
        raise CallbackRefused("malformed")
    return text


def find_text(element: Element, tag: str, *, most: int = TEXT_MAX_CHARS) -> str:
    """The same, empty where there is none. Raises CallbackRefused for several, for elements within it, for too much."""
    found = element.findall(tag)
    if not found:
        return ""
    text = (found[0].text or "").strip()
    if len(found) > 1 or len(found[0]) or len(text) > most:
        raise CallbackRefused("malformed")
    return text

"""As much DER (X.690) as `cryptography` does not give: where a certificate's key stands, and the text in a private extension."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509

SEQUENCE = 0x30
VERSION = 0xA0  # [0], left out in certificates of version 1
ENCODINGS = {
    0x0C: "utf-8",  # UTF8String
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
OCTET_STRING = 0x04


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, what it holds, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes


def read_elements(data: bytes) -> Iterator[Element]:
    """The elements that stand in a row in these bytes. Raises ValueError when they are not DER."""
    at = 0
    while at < len(data):
        start, content, end = _measure(data, at)
        yield Element(data[start], data[content:end], data[start:end])
        at = end


def read_element(data: bytes) -> Element:
    """The one element that these bytes are. Raises ValueError when it is not one."""
    elements = list(read_elements(data))
    if len(elements) != 1:
        raise ValueError("not one element")
    return elements[0]


def _measure(data: bytes, at: int) -> tuple[int, int, int]:
    """Where the element begins, where its content does, and where it ends."""
    if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
        raise ValueError("cut off, or a tag of several bytes")
    first, content = data[at + 1], at + 2
    if first < 0x80:
        length = first
    else:
        count = first & 0x7F
        if not 1 <= count <= 4 or content + count > len(data):
            raise ValueError("a length that is not DER")
        length = int.from_bytes(data[content : content + count])
        content += count
    if content + length > len(data):
        raise ValueError("cut off")
    return at, content, content + length


def signature_algorithms(signed: bytes, tbs: bytes) -> tuple[bytes, bytes]:
    """The AlgorithmIdentifier inside and outside of what is signed, in a certificate or a CRL: they must be the same."""
    inside = [element for element in read_elements(read_element(tbs).content) if element.tag == SEQUENCE]
    outside = list(read_elements(read_element(signed).content))
    if not inside or len(outside) != 3:
        raise ValueError("neither a certificate nor a CRL")
    return inside[0].whole, outside[1].whole


def subject_public_key_info(certificate: x509.Certificate) -> bytes:
    """The key as it stands in the certificate, for keys that `cryptography` cannot read (RFC 5280, 4.1)."""
    elements = list(read_elements(read_element(certificate.tbs_certificate_bytes).content))
    place = 6 if elements and elements[0].tag == VERSION else 5
    if len(elements) <= place:
        raise ValueError("not a certificate")
    return elements[place].whole


def read_text(value: bytes) -> str:
    """The text in an extension: a DER string, one within an OCTET STRING, or bare UTF-8, as issuers do it.

    Raises ValueError when it is none of these.
    """
    element = _try_element(value)
    if element is not None and element.tag == OCTET_STRING:
        value, element = element.content, _try_element(element.content)
    if element is not None and element.tag in ENCODINGS:
        return element.content.decode(ENCODINGS[element.tag])
    return value.decode()  # UnicodeDecodeError is a ValueError


def _try_element(value: bytes) -> Element | None:
    try:
        return read_element(value)
    except ValueError:
        return None

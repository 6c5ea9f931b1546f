"""Just enough of DER (X.690) to read a certificate that a card holds; whoever trusts a certificate verifies it elsewhere."""

from collections.abc import Iterator
from typing import NamedTuple

LONGEST_LENGTH = 4  # bytes of a length: far above any certificate
SEQUENCE, SET, INTEGER, BIT_STRING, OCTET_STRING, OID, BOOLEAN = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06, 0x01
ENCODINGS = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


class Element(NamedTuple):
    """One element: its tag, and what it holds."""

    tag: int
    body: bytes

    def children(self) -> list["Element"]:
        """The elements inside. Raises ValueError."""
        return list(read_all(self.body))

    def expect(self, tag: int) -> "Element":
        """Itself, when it has this tag. Raises ValueError."""
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:#x} where {tag:#x} has to be")
        return self


def read_all(data: bytes) -> Iterator[Element]:
    """The elements that stand one after another in these bytes. Raises ValueError."""
    at = 0
    while at < len(data):
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            raise ValueError("an element is cut off, or has a long tag")
        start, length = at + 2, data[at + 1]
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= LONGEST_LENGTH or start + size > len(data):
                raise ValueError("a length is wrong")
            length = int.from_bytes(data[start : start + size], "big")
            start += size
        if start + length > len(data):
            raise ValueError("an element is cut off")
        yield Element(data[at], data[start : start + length])
        at = start + length


def read_one(data: bytes) -> Element:
    """The only element in these bytes. Raises ValueError."""
    elements = list(read_all(data))
    if len(elements) != 1:
        raise ValueError(f"{len(elements)} elements where one has to be")
    return elements[0]


def read_oid(body: bytes) -> str:
    """An object identifier as people write it. Raises ValueError."""
    arcs: list[int] = []
    value = 0
    for byte in body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if not arcs or body[-1] & 0x80:
        raise ValueError("an object identifier is cut off")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_text(element: Element) -> str:
    """A string of any kind; what cannot be read is replaced."""
    return element.body.decode(ENCODINGS.get(element.tag, "latin-1"), "replace")


def write_integer(value: int) -> bytes:
    """A number that is not negative."""
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((INTEGER, len(body))) + body


def write_sequence(*parts: bytes) -> bytes:
    """A short sequence. Raises ValueError above 127 bytes."""
    body = b"".join(parts)
    if len(body) > 0x7F:
        raise ValueError("only short sequences are written")
    return bytes((SEQUENCE, len(body))) + body

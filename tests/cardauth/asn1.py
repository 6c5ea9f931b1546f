"""DER as it is written: the few types of which certificates and revocation lists are made."""

from datetime import UTC, datetime


def element(tag: int, content: bytes) -> bytes:
    """One element."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return element(0x30, b"".join(parts))


def explicit(number: int, content: bytes) -> bytes:
    """`[number]`, around an element."""
    return element(0xA0 + number, content)


def integer(value: int) -> bytes:
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def boolean(value: bool) -> bytes:
    return element(0x01, b"\xff" if value else b"\x00")


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    return element(0x06, b"".join(_base_128(number) for number in (40 * first + second, *rest)))


def _base_128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def octets(content: bytes) -> bytes:
    return element(0x04, content)


def bits(content: bytes) -> bytes:
    """A BIT STRING of whole bytes."""
    return element(0x03, b"\x00" + content)


def utf8(text: str) -> bytes:
    return element(0x0C, text.encode())


def time(at: datetime) -> bytes:
    """UTCTime until 2049, then GeneralizedTime (RFC 5280, 4.1.2.5)."""
    text = f"{at.astimezone(UTC):%Y%m%d%H%M%SZ}"
    return element(0x17, text[2:].encode()) if at.year < 2050 else element(0x18, text.encode())

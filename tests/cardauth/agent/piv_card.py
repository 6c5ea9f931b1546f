"""A PIV card (NIST SP 800-73-4) as a program: it connects to a virtual reader (vsmartcard's vpcd) and answers its
commands until it is ended, which pulls the card. One RSA 2048 key in slot 9A; the PIN's tries are kept in a file, so
that the card that is put back is the same one.

    python piv_card.py PORT FOLDER     FOLDER: certificate.der, key.json {"n", "d"}, guid, tries, pin
"""

import json
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

POWER_OFF, POWER_ON, RESET, GET_ATR = b"\0", b"\1", b"\2", b"\4"
ATR = bytes.fromhex("3b8080 0101".replace(" ", ""))
AID = bytes.fromhex("a000000308")
APPLICATION = bytes.fromhex("61114f0600001000010079074f05a000000308")
OK, MORE = b"\x90\x00", 0x61
WRONG_LENGTH, NOT_VERIFIED, BLOCKED, NOT_FOUND = b"\x67\x00", b"\x69\x82", b"\x69\x83", b"\x6a\x82"
WRONG_PARAMETERS, NO_SUCH_COMMAND = b"\x6a\x86", b"\x6d\x00"
MOST_TRIES = 3
CHAINED = 0x10
RSA_2048, AUTHENTICATION_KEY, APPLICATION_PIN = 0x07, 0x9A, 0x80
HOLDER_ID, CERTIFICATE = "5fc102", "5fc105"


class PivCard:
    """The card: one command in, one answer out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        key = json.loads((folder / "key.json").read_text())
        self._n, self._d = int(key["n"]), int(key["d"])
        certificate = (folder / "certificate.der").read_bytes()
        guid = (folder / "guid").read_bytes()
        self._objects = {
            HOLDER_ID: tlv(0x30, bytes(25))
            + tlv(0x34, guid)
            + tlv(0x35, b"20301231")
            + tlv(0x3E, b"")
            + tlv(0xFE, b""),
            CERTIFICATE: tlv(0x70, certificate) + tlv(0x71, b"\0") + tlv(0xFE, b""),
        }
        self.reset()

    def reset(self) -> None:
        """The PIN has to be given again."""
        self._verified, self._chain, self._waiting = False, b"", b""

    @property
    def tries(self) -> int:
        return int((self._folder / "tries").read_text())

    @tries.setter
    def tries(self, left: int) -> None:
        (self._folder / "tries").write_text(str(left))

    def answer(self, command: bytes) -> bytes:
        """The data of the answer and its status word (ISO 7816-4)."""
        head, data = command[:4], command[5 : 5 + command[4]] if len(command) > 5 else b""
        if head[0] & CHAINED:
            self._chain += data
            return OK
        data, self._chain = self._chain + data, b""
        instruction = head[1]
        if instruction == 0xC0:
            return self._send(self._waiting)
        known = {0xA4: self._select, 0xCB: self._get_data, 0x20: self._verify, 0x87: self._authenticate}
        return known[instruction](head, data) if instruction in known else NO_SUCH_COMMAND

    def _send(self, data: bytes) -> bytes:
        """At most 256 bytes at once; the rest is asked for with GET RESPONSE."""
        part, self._waiting = data[:256], data[256:]
        return part + (
            bytes((MORE, len(self._waiting) & 0xFF if len(self._waiting) < 256 else 0))
            if self._waiting
            else OK
        )

    def _select(self, _head: bytes, data: bytes) -> bytes:
        return self._send(APPLICATION) if data.startswith(AID) else NOT_FOUND

    def _get_data(self, _head: bytes, data: bytes) -> bytes:
        found = self._objects.get(data[2:].hex())
        return self._send(tlv(0x53, found)) if found else NOT_FOUND

    def _verify(self, head: bytes, data: bytes) -> bytes:
        if head[2] == 0xFF:
            self._verified = False
            return OK
        if head[3] != APPLICATION_PIN:
            return WRONG_PARAMETERS
        if not data:
            return OK if self._verified else self._tell_tries()
        if not self.tries:
            return BLOCKED
        self._verified = data.rstrip(b"\xff").decode() == (self._folder / "pin").read_text()
        self.tries = MOST_TRIES if self._verified else self.tries - 1
        return OK if self._verified else self._tell_tries()

    def _tell_tries(self) -> bytes:
        return bytes((0x63, 0xC0 | self.tries)) if self.tries else BLOCKED

    def _authenticate(self, head: bytes, data: bytes) -> bytes:
        if (head[2], head[3]) != (RSA_2048, AUTHENTICATION_KEY):
            return WRONG_PARAMETERS
        if not self._verified:
            return NOT_VERIFIED
        challenge = dict(read_tlv(dict(read_tlv(data))[0x7C]))[0x81]
        if len(challenge) != 256:
            return WRONG_LENGTH
        signature = pow(int.from_bytes(challenge, "big"), self._d, self._n).to_bytes(256, "big")
        return self._send(tlv(0x7C, tlv(0x82, signature)))


def tlv(tag: int, value: bytes) -> bytes:
    length = len(value)
    size = bytes((length,)) if length < 0x80 else bytes((0x82, length >> 8, length & 0xFF))
    return bytes((tag,)) + size + value


def read_tlv(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        yield tag, data[start : start + length]
        at = start + length


def receive(reader: socket.socket) -> bytes | None:
    """One message of the reader: its length in two bytes, then the bytes. It sends them apart, and waits 40 ms between."""
    reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # unless the first are acknowledged at once
    head = reader.recv(2, socket.MSG_WAITALL)
    return reader.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else None


def main(port: int, folder: Path) -> None:
    card = PivCard(folder)
    with socket.create_connection(("127.0.0.1", port)) as reader:
        while (message := receive(reader)) is not None:
            if message in (POWER_OFF, POWER_ON, RESET):
                card.reset()
                continue
            answer = ATR if message == GET_ATR else card.answer(message)
            reader.sendall(struct.pack(">H", len(answer)) + answer)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

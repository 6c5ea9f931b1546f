"""One card behind a PKCS#11 module: its certificates, its tries, its session. Lives in the worker process."""

from collections.abc import Sequence
from typing import Any

import PyKCS11

from cardauth.agent.cards import CardCertificate, SeenCard, Tries
from cardauth.agent.certificates import CertificateFacts, read_certificate
from cardauth.agent.mechanisms import PSS_MECHANISMS, Way, list_ways
from cardauth.agent.refusals import (
    AgentRefusal,
    CardChanged,
    CardRemoved,
    NoCertificate,
    PinLength,
    PinLocked,
    WrongPin,
)
from cardauth.agent.settings import AgentSettings

LOGIN_REFUSALS: dict[int, type[AgentRefusal]] = {
    PyKCS11.CKR_PIN_INCORRECT: WrongPin,
    PyKCS11.CKR_PIN_INVALID: WrongPin,
    PyKCS11.CKR_ARGUMENTS_BAD: PinLength,  # SoftHSM2's word for an empty PIN
    PyKCS11.CKR_PIN_LEN_RANGE: PinLength,
    PyKCS11.CKR_PIN_LOCKED: PinLocked,
}
GONE = {
    PyKCS11.CKR_TOKEN_NOT_PRESENT,
    PyKCS11.CKR_TOKEN_NOT_RECOGNIZED,
    PyKCS11.CKR_DEVICE_REMOVED,
    PyKCS11.CKR_SESSION_HANDLE_INVALID,
    PyKCS11.CKR_SESSION_CLOSED,
    PyKCS11.CKR_SLOT_ID_INVALID,
}
SALT_LENGTH = 32  # of PS256 (RFC 7518 §3.5)
CERTIFICATES = (
    (PyKCS11.CKA_CLASS, PyKCS11.CKO_CERTIFICATE),
    (PyKCS11.CKA_CERTIFICATE_TYPE, PyKCS11.CKC_X_509),
)


class Key:
    """A certificate on a card, the id of its key, and the ways to sign with it."""

    def __init__(self, der: bytes, key_id: bytes, facts: CertificateFacts, ways: Sequence[Way]) -> None:
        self.der, self.key_id, self.facts, self.ways = der, key_id, facts, ways


class Card:
    """A card with an open session. Everything here may raise PyKCS11Error."""

    def __init__(self, module: PyKCS11.PyKCS11Lib, slot: int, settings: AgentSettings) -> None:
        self._module, self._slot, self._settings = module, slot, settings
        self.identity = self._identify()
        self._session: Any = module.openSession(slot)
        self.keys = self._read_keys()
        self.seen: SeenCard

    def _identify(self) -> tuple[str, str]:
        info: Any = self._module.getTokenInfo(self._slot)
        return info.serialNumber, info.label

    def expect(self) -> None:
        """Raises CardRemoved, CardChanged, unless what is in the reader is what was there at first.

        A module may answer from memory: OpenSC notices a pulled card when it is asked for the slot, and then ends its sessions.
        """
        if not self._module.getSlotInfo(self._slot).flags & PyKCS11.CKF_TOKEN_PRESENT:
            raise CardRemoved
        self._session.getSessionInfo()
        if self._identify() != self.identity:
            raise CardChanged

    def tries(self) -> Tries:
        """From the token's flags (PKCS#11 §3.2, CK_TOKEN_INFO)."""
        flags = self._module.getTokenInfo(self._slot).flags
        if flags & PyKCS11.CKF_USER_PIN_LOCKED:
            return Tries.LOCKED
        if flags & PyKCS11.CKF_USER_PIN_FINAL_TRY:
            return Tries.FINAL
        return Tries.LOW if flags & PyKCS11.CKF_USER_PIN_COUNT_LOW else Tries.NORMAL

    def _read_keys(self) -> list[Key]:
        """The certificates that one signs in with."""
        offered = {PyKCS11.CKM[name] for name in self._module.getMechanismList(self._slot)}
        keys: list[Key] = []
        for found in self._session.findObjects(CERTIFICATES):
            value, key_id = self._session.getAttributeValue(found, [PyKCS11.CKA_VALUE, PyKCS11.CKA_ID])
            der = bytes(value or ())
            try:
                facts = read_certificate(der)
            except ValueError:
                continue
            if facts.signs:
                keys.append(Key(der, bytes(key_id or ()), facts, list_ways(facts, offered, self._settings)))
        return keys

    def find(self, certificate: bytes) -> Key:
        """The key of a certificate that was read before. Raises CardChanged."""
        for key in self._read_keys():
            if key.der == certificate:
                return key
        raise CardChanged

    def log_in(self, pin: str) -> None:
        """Raises WrongPin, PinLength, PinLocked. What cannot be the PIN is not tried."""
        length = len(pin.encode())
        if length < self.seen.shortest_pin or (self.seen.longest_pin and length > self.seen.longest_pin):
            raise PinLength(tries=self.seen.tries)
        try:
            self._session.login(pin)
        except PyKCS11.PyKCS11Error as error:
            refusal = LOGIN_REFUSALS.get(error.value)
            if refusal is None:
                raise
            tries = self.tries()
            raise explain_login(PinLocked if tries == Tries.LOCKED else refusal, tries) from error

    def log_out(self) -> None:
        """A card that is gone is logged out."""
        try:
            self._session.logout()
        except PyKCS11.PyKCS11Error as error:
            if error.value not in GONE | {PyKCS11.CKR_USER_NOT_LOGGED_IN}:
                raise

    def sign(self, key_id: bytes, way: Way, message: bytes) -> bytes:
        """Raises NoCertificate when the card has no private key for the certificate."""
        wanted = [(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY)]
        handles = self._session.findObjects([*wanted, (PyKCS11.CKA_ID, tuple(key_id))] if key_id else wanted)
        if not handles:
            raise NoCertificate
        return bytes(self._session.sign(handles[0], way.prepare(message), make_mechanism(way.mechanism)))


def open_card(name: str, module: PyKCS11.PyKCS11Lib, slot: int, settings: AgentSettings) -> Card | None:
    """The card in a slot; None for one that was never set up. Raises PyKCS11Error."""
    info: Any = module.getTokenInfo(slot)
    if not info.flags & PyKCS11.CKF_TOKEN_INITIALIZED:
        return None
    card = Card(module, slot, settings)
    card.seen = SeenCard(
        slot=name,
        label=info.label.strip("\0 "),
        tries=card.tries(),
        shortest_pin=info.ulMinPinLen,
        longest_pin=info.ulMaxPinLen,
        certificates=tuple(
            CardCertificate(
                key.der, key.facts.holder, key.facts.organisation, tuple(way.algorithm for way in key.ways)
            )
            for key in card.keys
        ),
    )
    return card


def explain_login(refusal: type[AgentRefusal], tries: Tries) -> AgentRefusal:
    """A refused PIN, with what the card still bears."""
    if refusal is PinLocked:
        return PinLocked(tries=Tries.LOCKED)
    if refusal is not WrongPin or tries == Tries.NORMAL:
        return refusal(tries=tries)
    more = {
        Tries.LOW: "请核对后再试，再错几次卡就会锁定。",
        Tries.FINAL: "只剩最后一次机会，再错卡就会锁定。",
    }
    return WrongPin(f"卡密码不正确。{more[tries]}", tries=tries)


def make_mechanism(number: int) -> Any:
    """What PyKCS11 takes: PSS with its parameters, others without."""
    if number in PSS_MECHANISMS:
        return PyKCS11.RSA_PSS_Mechanism(number, PyKCS11.CKM_SHA256, PyKCS11.CKG_MGF1_SHA256, SALT_LENGTH)
    return PyKCS11.Mechanism(number)


def name_error(error: PyKCS11.PyKCS11Error) -> str:
    """The name of a PKCS#11 error, without what else its text may hold."""
    return PyKCS11.CKR.get(error.value, hex(error.value)) if error.value >= 0 else f"error {error.value}"

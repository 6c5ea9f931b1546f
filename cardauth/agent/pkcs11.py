"""Cards behind PKCS#11 modules (PyKCS11). Lives in the worker process of one request and nowhere else: a module keeps
its login for the whole process, may hang, and may crash.

A module that cannot be loaded counts as none; of several, each shows its own readers. What a module answers is read
from its error numbers (PKCS#11 2.40 §3.6); nothing is believed of its texts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import PyKCS11

from cardauth.agent.cards import Look, State, judge
from cardauth.agent.pkcs11_card import GONE, Card, name_error, open_card
from cardauth.agent.refusals import CardChanged, CardRemoved, DriverFailed, NoAlgorithm
from cardauth.agent.settings import AgentSettings


class Pkcs11Driver:
    """The cards behind the modules of the settings. A slot is named `<number of the module>:<slot id>`."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._problems: list[str] = []
        self._modules: dict[int, PyKCS11.PyKCS11Lib] = {}
        for number, path in enumerate(settings.modules):
            self._load(number, path)
        self._cards: dict[str, Card] = {}
        self._unreadable = ""

    def _load(self, number: int, path: str) -> None:
        if not Path(path).is_file():
            self._problems.append(f"找不到文件 {path}")
            return
        try:
            module = PyKCS11.PyKCS11Lib()
            module.load(path)
        except PyKCS11.PyKCS11Error as error:
            self._problems.append(f"{path} 不是可以使用的 PKCS#11 驱动（{name_error(error)}）")
        else:
            self._modules[number] = module

    def look(self) -> Look:
        """Readers and cards of all modules together."""
        if not self._modules:
            return Look(State.NO_DRIVER, detail="；".join(self._problems) or "设置中没有写明驱动文件")
        self._cards, self._unreadable, readers = {}, "", 0
        for number, module in self._modules.items():
            try:
                readers += len(module.getSlotList(tokenPresent=False))
                slots = module.getSlotList(tokenPresent=True)
            except PyKCS11.PyKCS11Error as error:
                raise DriverFailed(detail=name_error(error)) from error
            for slot in slots:
                self._open(f"{number}:{slot}", module, slot)
        if not readers:
            return Look(State.NO_READER)
        if self._unreadable and not self._cards:
            raise DriverFailed(detail=self._unreadable)
        return judge(tuple(card.seen for card in self._cards.values()))

    def _open(self, name: str, module: PyKCS11.PyKCS11Lib, slot: int) -> None:
        """A card that is pulled while it is being read is no card; one that cannot be read hides no other."""
        try:
            card = open_card(name, module, slot, self._settings)
        except PyKCS11.PyKCS11Error as error:
            if error.value not in GONE:
                self._unreadable = name_error(error)
        else:
            if card:
                self._cards[name] = card

    def expect(self, slot: str) -> None:
        """Raises CardRemoved, CardChanged, DriverFailed."""
        with errors_as_refusals():
            self._cards[slot].expect()

    def sign(self, slot: str, certificate: bytes, algorithm: str, pin: str, message: bytes) -> bytes:
        """Log in, sign, log out. Raises CardRemoved, CardChanged, WrongPin, PinLength, PinLocked, NoAlgorithm, DriverFailed."""
        with errors_as_refusals():
            card = self._meet_again(slot)
            key = card.find(certificate)
            way = next((way for way in key.ways if way.algorithm == algorithm), None)
            if way is None:
                raise NoAlgorithm
            card.log_in(pin)
            try:
                return way.finish(card.sign(key.key_id, way, message))
            finally:
                card.log_out()

    def _meet_again(self, slot: str) -> Card:
        """The card of a slot, read anew by a module that starts anew. Raises CardRemoved, CardChanged.

        A module may answer for a card that has gone, and try its PIN on the one in its place: OpenSC does, when the two were
        changed between two looks.
        """
        number = int(slot.partition(":")[0])
        identity, module = self._cards[slot].identity, self._modules[number]
        self._cards = {}  # their sessions end here
        module.load(self._settings.modules[number])
        for one in module.getSlotList(tokenPresent=True):
            self._open(f"{number}:{one}", module, one)
        same = [card for card in self._cards.values() if card.identity == identity]
        if not same:
            raise CardChanged if self._cards else CardRemoved
        return same[0]

    def close(self) -> None:
        """Unload the modules; sessions end with them."""
        self._cards = {}
        for module in self._modules.values():
            module.unload()


@contextmanager
def errors_as_refusals() -> Iterator[None]:
    """What a module reports, as what the person is told."""
    try:
        yield
    except PyKCS11.PyKCS11Error as error:
        if error.value in GONE:
            raise CardRemoved from error
        raise DriverFailed(detail=name_error(error)) from error
    except ValueError as error:
        raise DriverFailed(detail="answer of the wrong form") from error

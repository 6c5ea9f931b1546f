"""The worker process of one request: it alone talks to cards, and it alone gets the PIN, straight from the PIN window.

Spawned, not forked (PKCS#11 modules and Windows want it so). It takes orders from the agent over one pipe and the PIN
from the window over another; when the agent's end closes, it ends. A module that hangs or crashes takes nothing but
this process with it.
"""

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from cardauth.agent.cards import LONGEST_PIN, CardDriver
from cardauth.agent.lifetime import live_as_child
from cardauth.agent.refusals import AgentRefusal, DriverFailed

PIN_TIMEOUT_S = 5.0
"""The window has sent the PIN before the order to sign comes."""

OpenDriver = Callable[[], CardDriver]


def run_worker(orders: Connection, pins: Connection, open_driver: OpenDriver) -> None:
    """Carry out orders until there are no more. Each answer is `(True, value)` or `(False, refusal)`."""
    live_as_child()
    driver: CardDriver | None = None
    try:
        while True:
            name, arguments = orders.recv()
            try:
                driver = driver or open_driver()
                answer = (True, carry_out(driver, pins, name, arguments))
            except AgentRefusal as refusal:
                answer = (False, refusal)
            except Exception as error:  # noqa: BLE001 - whatever a vendor's module does has to reach the page as a sentence
                answer = (False, DriverFailed(detail=type(error).__name__))
            orders.send(answer)
    except (EOFError, OSError, KeyboardInterrupt):
        return  # the agent has gone, or wants no more
    finally:
        if driver:
            driver.close()


def carry_out(driver: CardDriver, pins: Connection, name: str, arguments: tuple[Any, ...]) -> Any:
    """One order."""
    if name == "look":
        return driver.look()
    if name == "expect":
        for slot in arguments:
            driver.expect(slot)
        return None
    slot, certificate, algorithm, message = arguments
    if not pins.poll(PIN_TIMEOUT_S):
        raise DriverFailed(detail="no PIN came")
    pin = pins.recv_bytes(LONGEST_PIN).decode()
    return driver.sign(slot, certificate, algorithm, pin, message)

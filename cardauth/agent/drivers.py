"""Where cards are: behind PKCS#11 modules, or in the demo's folder. Both are opened in the worker process, and only
there imported.
"""

from importlib.util import find_spec
from pathlib import Path

from cardauth.agent.cards import CardDriver
from cardauth.agent.settings import AgentSettings


def open_modules(settings: AgentSettings) -> CardDriver:
    """The PKCS#11 modules that the settings name (extra `agent`)."""
    from cardauth.agent.pkcs11 import Pkcs11Driver

    return Pkcs11Driver(settings)


def open_demo_cards(folder: Path) -> CardDriver:
    """The demo's soft cards in a folder (extra `demo-card`)."""
    from cardauth.agent.demo_card import DemoDriver

    return DemoDriver(folder)


def find_missing(*, demo: bool) -> tuple[str, str] | None:
    """The package that is not installed, and the extra that brings it."""
    package, extra = ("cryptography", "demo-card") if demo else ("PyKCS11", "agent")
    return None if find_spec(package) else (package, extra)

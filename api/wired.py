"""The parts of one running process, as `wiring` has put them together; `app.state.wired` in the web application."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from api.cards import CardReader
from api.cas import CasDoor
from api.wechat import WechatDoor
from domain.code_limits import CodeLimits
from domain.codes import CodeSender
from domain.files.store import AttachmentStore
from domain.scanning import Scanner
from domain.sessions import SessionLimits
from domain.working_days import WorkingCalendar
from engine.instances import Engine
from settings import Settings

CONFIRM_MAIL = "/account/mail/confirm"


@dataclass(frozen=True)
class Wired:
    """Built once a process, closed at its end; nothing here belongs to a request."""

    settings: Settings
    read_clock: Callable[[], datetime]
    database: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    engine: Engine
    calendar: WorkingCalendar
    store: AttachmentStore
    scanner: Scanner | None
    code_limits: CodeLimits
    session_limits: SessionLimits
    send_code: CodeSender
    cards: CardReader | None = None
    cas: CasDoor | None = None
    wechat: WechatDoor | None = None

    @property
    def confirm_mail_link(self) -> str:
        """The page's address that a mail with a token carries; the token follows."""
        return f"{self.settings.origin}{CONFIRM_MAIL}?token="

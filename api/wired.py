"""The parts of one running process, as `wiring` has put them together; `app.state.wired` in the web application."""

from dataclasses import dataclass

import procrastinate
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from domain.attachments import AttachmentStore
from domain.codes import CodeLimits, CodeSender
from domain.sessions import SessionLimits
from engine.instances import Engine
from settings import Settings


@dataclass(frozen=True)
class Wired:
    """Built once a process, closed at its end; nothing here belongs to a request."""

    settings: Settings
    database: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    engine: Engine
    store: AttachmentStore
    jobs: procrastinate.App
    code_limits: CodeLimits
    send_code: CodeSender
    session_limits: SessionLimits

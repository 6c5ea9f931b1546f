"""Puts the parts of a process together: database, engine with its functions and operators, jobs, and the web application or the
worker on top. The only module that knows every room.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api.wired import Wired
from db.session import conninfo, make_sessions, open_engine
from domain.codes import CodeLimits
from domain.seed import seed
from domain.sessions import SessionLimits
from domain.working_days import WorkingCalendar, add_working_days
from engine.catalogue import read_folder
from engine.exceptions import DiagramRefused, UnknownProcess
from engine.instances import Engine
from settings import Settings
from tasks.operators import build_operators

log = structlog.get_logger(__name__)

PROCESSES = Path(__file__).parent / "processes"
CALENDAR_INTERVAL_S = 60.0


def build_functions(calendar: WorkingCalendar) -> dict[str, Any]:
    """What expressions of diagrams may call beyond the language's own functions."""

    def working_days(now: datetime, days: float) -> datetime:
        return add_working_days(now, days, calendar)

    return {"working_days": working_days}


def build_engine(calendar: WorkingCalendar) -> Engine:
    """The engine with everything that diagrams may name."""
    return Engine(build_functions(calendar), build_operators(calendar))

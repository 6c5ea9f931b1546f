"""Puts the parts of a process together: database, engine with its functions and operators, channels, and the web application or
the worker on top. The only module that knows every room.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from api.cards import CardReader
from api.cas import CasDoor
from api.wechat import open_wechat
from api.wired import Wired
from cardauth.cas import CasClient
from cardauth.demo_cards import make_demo_cards
from cardauth.mapping import CardMapping
from cardauth.trust import TrustStore
from db import jobs
from db.session import Kind, make_sessions, open_engine, server_options
from domain.code_limits import CodeLimits
from domain.contacts import find_addresses
from domain.files.store import FolderStore
from domain.scanning import ClamScanner
from domain.seed import seed
from domain.sessions import SessionLimits
from domain.working_days import WorkingCalendar
from engine.cases import check_cases
from engine.catalogue import KEY, Definition, hash_files, read_beside, read_folder
from engine.exceptions import DiagramRefused, UnknownProcess
from engine.instances import Engine
from engine.specs import parse_definition
from engine.validation import advise, validate
from messages.codes import CodeOutbox
from messages.delivery import Delivery
from messages.jobs import CODES
from messages.limits import Limits
from messages.providers import open_routes
from messages.routes import DemoRoute, Route
from messages.sealing import Sealer
from messages.topics import CHANNELS
from settings import Settings
from tasks import message_table
from tasks.functions import build_functions
from tasks.jobs import run_due_timers, tell_unknown_years
from tasks.kinds import GIVEN
from tasks.moving_deadlines import upgrade_deadlines
from tasks.needs import find_unmet
from tasks.notices import find_text_mistakes
from tasks.operators import build_operators
from wechat.exceptions import MenuWrong
from wechat.menu import put_menu, read_menu

log = structlog.get_logger(__name__)

PROCESSES = Path(__file__).parent / "processes"
CALENDAR_INTERVAL_S = 60.0
CAS_TIMEOUT_S = 10.0
CODES_AT_ONCE = 2


def read_clock() -> datetime:
    """The time, for the edges that have no request."""
    return datetime.now(UTC)


def build_engine(calendar: WorkingCalendar) -> Engine:
    """The engine with everything that diagrams may name."""
    return Engine(build_functions(calendar), build_operators(calendar), GIVEN, find_unmet)


@asynccontextmanager
async def open_parts(settings: Settings, database_url: str, kind: Kind = "web") -> AsyncIterator[Wired]:
    """The parts of one process on a database that is ready; closed when the block is left."""
    database = open_engine(database_url, settings, kind)
    sessions = make_sessions(database)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.dispose)
        wired = await _put_together(settings, database, sessions, stack)
        await refresh_calendar(wired)
        async with in_background(_keep_calendar_fresh(wired)):
            yield wired


async def _put_together(
    settings: Settings,
    database: AsyncEngine,
    sessions: async_sessionmaker[AsyncSession],
    stack: AsyncExitStack,
) -> Wired:
    calendar = WorkingCalendar()
    cas_http: httpx.AsyncClient | None = None
    if settings.cas_url:
        cas_http = httpx.AsyncClient(timeout=CAS_TIMEOUT_S, follow_redirects=False)
        await stack.enter_async_context(cas_http)
    return Wired(
        settings=settings,
        read_clock=read_clock,
        database=database,
        sessions=sessions,
        engine=build_engine(calendar),
        calendar=calendar,
        store=FolderStore(settings.attachments_dir),
        scanner=ClamScanner(settings.clamav_address) if settings.clamav_address else None,
        code_limits=CodeLimits.of(settings),
        session_limits=SessionLimits.of(settings),
        send_code=CodeOutbox(Sealer(settings.pepper)),
        cards=build_card_reader(settings),
        cas=build_cas_door(settings, cas_http) if cas_http else None,
        wechat=await stack.enter_async_context(open_wechat(settings, sessions, read_clock)),
    )


def build_card_reader(settings: Settings) -> CardReader | None:
    """Who lets cards in: the operator's trust list, the demo's own in demo mode; nobody where there is neither."""
    folder = settings.card_trust_folder
    if folder is None:
        return None
    return CardReader(TrustStore(folder), CardMapping.from_file(settings.card_mapping), settings.origin)


def build_cas_door(settings: Settings, http: httpx.AsyncClient) -> CasDoor:
    """The way to the authority's CAS server."""
    assert settings.cas_url is not None
    client = CasClient(settings.cas_url, http, settings.cas_names)
    return CasDoor(client, settings.cas_logout, settings.origin, settings.pepper)


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do this beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def refresh_calendar(wired: Wired) -> None:
    """Read the administrator's holidays; expressions read them from memory."""
    async with wired.sessions() as session:
        await wired.calendar.refresh(session, read_clock())


async def _keep_calendar_fresh(wired: Wired) -> None:
    while True:
        await asyncio.sleep(CALENDAR_INTERVAL_S)
        try:
            await refresh_calendar(wired)
        except (SQLAlchemyError, OSError) as error:  # the database is away: what is known goes on being used
            log.warning("calendar.not_refreshed", error=type(error).__name__)


async def run_web(settings: Settings, database_url: str, listener: socket.socket) -> None:
    """Serve the web application until a signal ends it."""
    from api.app import create_app
    from api.serving import serve_app

    async with open_parts(settings, database_url) as wired:
        await serve_app(create_app(wired), settings, listener)


async def run_worker(settings: Settings, database_url: str) -> None:
    """Deliver messages and fire due timers until a signal ends it; what is under way is finished."""
    from api.serving import settle_memory

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with (
        open_parts(settings, database_url, "worker") as wired,
        jobs.open_jobs(
            database_url,
            connections=settings.worker_jobs + CODES_AT_ONCE,
            options=server_options(settings, "worker"),
        ),
        open_message_routes(wired) as routes,
    ):
        tell_unknown_years(wired.calendar, read_clock())
        settle_memory()
        working = [asyncio.create_task(job) for job in build_work(wired, routes)]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*working, stopping):
            task.cancel()
        results = await asyncio.gather(*working, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def build_work(wired: Wired, routes: Sequence[Route]) -> list[Any]:
    """What a worker does side by side: jobs (messages over these routes, sweeps) and due timers."""
    settings = wired.settings
    delivery = Delivery(
        wired.sessions,
        routes,
        Sealer(settings.pepper),
        find_addresses,
        read_clock,
        limits=Limits.of(settings),
    )
    context, stop_s = {"delivery": delivery, "wired": wired}, settings.stop_timeout_s
    others = jobs.list_queues() - {CODES}
    return [
        jobs.run_worker(context, queues={CODES}, concurrency=CODES_AT_ONCE, stop_timeout_s=stop_s),
        jobs.run_worker(context, queues=others, concurrency=settings.worker_jobs, stop_timeout_s=stop_s),
        run_timers(wired),
    ]


@asynccontextmanager
async def open_message_routes(wired: Wired) -> AsyncIterator[list[Route]]:
    """How people are reached. In demo mode what is not set up is a table, the demo's telephones and mailboxes; without SMS nobody
    can sign in, and it is said."""
    async with open_routes(wired.settings, wired.sessions, read_clock) as routes:
        channels = {route.channel for route in routes}
        if wired.settings.demo:
            routes += [DemoRoute(name, wired.sessions) for name in CHANNELS if name not in channels]
        elif "sms" not in channels:
            log.warning(
                "messages.no_sms", effect="codes expire unsent, nobody can sign in; notices go other ways"
            )
        yield routes


async def run_timers(wired: Wired) -> None:
    """Fire what is due, one instance a transaction, and look again after `timer_interval_s`."""
    while True:
        try:
            await run_due_timers(wired.sessions, wired.engine, read_clock)
        except (SQLAlchemyError, OSError) as error:  # the database is away: it will be back
            log.warning("timers.waiting", error=type(error).__name__)
        await asyncio.sleep(wired.settings.timer_interval_s)


async def prepare(settings: Settings, database_url: str, *, demo_data: bool | None = None) -> list[str]:
    """First data, processes that have no version yet, and in demo mode its people and issues; lines to print."""
    async with open_parts(settings, database_url, "command") as wired:
        async with wired.sessions() as session:
            await seed(session)
            await session.commit()
        lines = await deploy_missing(wired)
        lines += await bring_deadlines_up(wired)
        if settings.demo and demo_data is not False:
            await asyncio.to_thread(make_demo_cards, settings.demo_cards_dir, read_clock())
            lines += await add_demo_data(wired)
        return lines


async def bring_deadlines_up(wired: Wired) -> list[str]:
    """Open deadlines of a version that counted by the clock, by the rule of this one; a line to print where there were any."""
    done = await upgrade_deadlines(wired.sessions, wired.engine, wired.calendar, read_clock())
    if not done.worked_out:
        return []
    later = f"其中 {done.later} 件改到了更晚的日子" if done.later else "都在原来的日子"
    return [f"办理期限改按办公时间计算：重算了没有办结的 {done.worked_out} 件，{later}，没有一件提前。"]


async def deploy_missing(wired: Wired) -> list[str]:
    """Deploy what has no version yet; say where the folder differs from the newest version."""
    lines: list[str] = []
    for key in process_keys(PROCESSES):
        files = read_folder(PROCESSES, key)
        async with wired.sessions() as session:
            try:
                newest = await wired.engine.catalogue.newest(session, key)
            except UnknownProcess:
                await deploy_files(wired, session, key, files)
                await session.commit()
                continue
        if newest.content_hash != hash_files(files):
            lines.append(
                f"processes/{key} 与已部署的版本 {newest.version} 不同；运行 qingling deploy {key} 后生效。"
            )
    return lines


def process_keys(folder: Path) -> list[str]:
    """The processes of a folder: its diagrams."""
    return sorted(path.stem for path in folder.glob("*.bpmn"))


async def deploy_processes(
    settings: Settings, database_url: str, folder: Path, keys: list[str] | None
) -> list[str]:
    """Deploy these processes (or all of the folder) as new versions where something changed; lines to print."""
    lines: list[str] = []
    async with open_parts(settings, database_url, "command") as wired, wired.sessions() as session:
        for key in keys or process_keys(folder):
            files = read_folder(folder, key)
            row, is_new = await deploy_files(wired, session, key, files)
            lines.append(f"{key}：版本 {row.version}" + ("，已部署。" if is_new else "，没有变化。"))
        await session.commit()
    return lines


async def deploy_files(
    wired: Wired, session: AsyncSession, key: str, files: dict[str, str]
) -> tuple[Definition, bool]:
    """Deploy one process; the version and whether it is new. Raises DiagramRefused, for its texts too."""
    deployed = await wired.engine.catalogue.deploy(session, key, files, actor=None, now=read_clock())
    if findings := find_text_mistakes(files):
        raise DiagramRefused(findings)
    return deployed


async def add_demo_data(wired: Wired) -> list[str]:
    """The demo's people, and its issues taken through the real commands, where there are none yet; a line to print."""
    from tasks.demo import play_demo

    count = await play_demo(wired.sessions, wired.engine, wired.store, read_clock())
    return [f"已写入演示数据：{count} 个问题。"] if count else []


async def show_demo_people(settings: Settings, database_url: str) -> list[str]:
    """The table of who can sign in to the demo."""
    from api.pages.wording import role_names
    from domain.demo.roster import list_people
    from domain.offices import list_offices

    async with open_parts(settings, database_url, "command") as wired, wired.sessions() as session:
        people = await list_people(session)
        offices = {office.code: office.name for office in await list_offices(session, only_open=False)}
    lines = ["演示人员（验证码见 /dev/inbox）："]
    for one in people:
        place = one.enterprise or offices.get(one.office or "", "")
        password = f"  密码 {one.password}" if one.password else ""
        lines.append(f"  {one.phone}  {one.name}  {role_names(one.roles)}  {place}{password}")
    return lines


async def make_administrator(
    settings: Settings, database_url: str, role: str, name: str, phone: str, replace: str | None
) -> str:
    """A new administrator's first password; whoever is replaced is disabled in the same transaction."""
    from domain import first_administrators
    from tasks.administration import disable_officer

    now = read_clock()
    async with open_parts(settings, database_url, "command") as wired, wired.sessions() as session:
        made = await first_administrators.make_administrator(
            session, role=role, name=name, phone=phone, replace=replace, now=now
        )
        if made.replaced is not None:
            await disable_officer(session, wired.engine, None, made.replaced, now)
        await session.commit()
    return made.new.password


async def send_wechat_menu(settings: Settings, database_url: str) -> None:
    """Replace the account's menu by the file's. Raises MenuWrong, and SendError for what WeChat answers."""
    if settings.wechat_menu is None:
        raise MenuWrong("QINGLING_WECHAT_MENU is not set")
    menu = read_menu(settings.wechat_menu, settings.origin)
    async with open_parts(settings, database_url, "command") as wired:
        if wired.wechat is None:
            raise MenuWrong("QINGLING_WECHAT_APP_ID and QINGLING_WECHAT_SECRET are not set")
        await put_menu(wired.wechat.client, menu)


def check_processes(places: list[Path]) -> list[str]:
    """Every finding about these diagrams, or those in these folders, and what belongs to them, one line each; their cases are
    played too."""
    calendar = WorkingCalendar()
    functions, operators = build_functions(calendar), build_operators(calendar)
    lines: list[str] = []
    for diagram in _diagrams(places):
        try:
            files = read_beside(diagram)
        except (OSError, UnicodeDecodeError) as error:
            why = "里面没有流程图（.bpmn）" if diagram.is_dir() else "文件要存在，编码为 UTF-8"
            lines.append(f"{diagram}：不能读取：{why}（{type(error).__name__}）。")
            continue
        findings = validate(files, operators=operators, functions=functions, given=GIVEN)
        findings = findings or find_text_mistakes(files) or find_unmet(parse_definition(files))
        findings = findings or check_cases(files, functions)
        if not KEY.fullmatch(diagram.stem):
            why = "文件名只能用小写字母、数字和下划线，以字母开头，与流程的编号相同，否则不能发布；请改名"
            lines.append(f"{diagram}：{why}（file-name）。")
        lines += [f"{diagram.parent}/{finding}" for finding in findings]
    return lines


def advise_on_processes(places: list[Path]) -> list[str]:
    """What is in these diagrams, which have no mistakes, and has no effect or is not drawn, one line each."""
    return [
        f"{diagram.parent}/{finding}"
        for diagram in _diagrams(places)
        for finding in advise(read_beside(diagram))
    ]


def _diagrams(places: list[Path]) -> list[Path]:
    # A folder without diagrams stands for itself: it is told that it has none.
    found = [(place, sorted(place.glob("*.bpmn")) if place.is_dir() else [place]) for place in places]
    return [diagram for place, diagrams in found for diagram in diagrams or [place]]


def describe_messages(diagrams: list[Path]) -> str:
    """Who is told what at each step of these processes (docs/messages.md). Raises DiagramRefused, for the texts too."""
    parts = [message_table.HEAD]
    for diagram in diagrams:
        files = read_folder(diagram.parent, diagram.stem)
        if findings := find_text_mistakes(files):
            raise DiagramRefused(findings)
        parts.append(message_table.describe(files) + "\n")
    return "\n".join(parts)

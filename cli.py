"""The program `qingling`. Each command reads the settings from the environment, builds what it needs and ends cleanly; what is
slow to import is imported by the command that needs it.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar
from urllib.request import urlopen

import typer

from settings import Settings

if TYPE_CHECKING:
    from api.serving import Fleet

app = typer.Typer(
    help="企业问题清零：提出问题、办理、答复、评价。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables: secrets and personal data
)
audit = typer.Typer(help="审计记录：核对、删除个人信息、重新签名。", no_args_is_help=True)
app.add_typer(audit, name="audit")
admin = typer.Typer(help="管理员：新建系统的三个管理员。", no_args_is_help=True)
app.add_typer(admin, name="admin")
wechat = typer.Typer(help="微信公众号：菜单。", no_args_is_help=True)
app.add_typer(wechat, name="wechat")

DataDir = Annotated[
    Path | None, typer.Option("--data", help="数据目录（QINGLING_DATA_DIR）。", file_okay=False)
]
Demo = Annotated[
    bool | None, typer.Option("--demo/--no-demo", help="演示模式：虚构的企业、人员和问题（QINGLING_DEMO）。")
]
Port = Annotated[int | None, typer.Option(help="端口（QINGLING_PORT）。", min=0, max=65535)]
Parent = Annotated[int | None, typer.Option(hidden=True)]
Result = TypeVar("Result")
PROCESSES = Path(__file__).parent / "processes"


@app.command()
def serve(
    port: Port = None,
    data: DataDir = None,
    demo: Demo = None,
    workers: Annotated[int | None, typer.Option(help="网页进程数（QINGLING_WEB_PROCESSES）。", min=1)] = None,
) -> None:
    """在本机启动全部：数据库、网页、后台作业。"""
    settings = read_settings(port=port, data_dir=data, demo=demo, web_processes=workers)
    run_or_explain(lambda: serve_all(settings))


@app.command()
def web(
    port: Port = None, data: DataDir = None, demo: Demo = None, fd: Parent = None, parent: Parent = None
) -> None:
    """只启动网页；数据库由 QINGLING_DATABASE_URL 指定，或用本数据目录里正在运行的。"""
    settings = read_settings(port=port, data_dir=data, demo=demo)
    import socket

    import uvloop

    from api.serving import bind, wait_for_word
    from wiring import run_web

    database_url = wait_for_word(parent)
    listener = socket.socket(fileno=fd) if fd is not None else bind(settings.host, settings.port)
    run_or_explain(lambda: uvloop.run(run_web(settings, database_url or find_database(settings), listener)))


@app.command()
def worker(data: DataDir = None, demo: Demo = None, parent: Parent = None) -> None:
    """只启动后台作业：发消息、到期提醒。"""
    settings = read_settings(data_dir=data, demo=demo)
    import uvloop

    from api.serving import wait_for_word
    from wiring import run_worker

    database_url = wait_for_word(parent)
    run_or_explain(lambda: uvloop.run(run_worker(settings, database_url or find_database(settings))))


@app.command()
def migrate(data: DataDir = None, demo: Demo = None) -> None:
    """检查数据库并升级到本版本的结构；部署还没有版本的流程。"""
    settings = read_settings(data_dir=data, demo=demo)
    from db.migrate import prepare_database
    from wiring import prepare

    def run() -> None:
        with a_database(settings) as url:
            prepare_database(url, demo=settings.demo)
            for line in asyncio.run(prepare(settings, url)):
                typer.echo(line)
        typer.echo("数据库已是本版本的结构。")

    run_or_explain(run)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="流程图（.bpmn），或者放流程图的目录；不写则检查 processes/ 下的全部。"),
    ] = None,
) -> None:
    """检查流程：规则和案例。没有问题退出码为 0（可能有建议），否则为 1，每个问题一行。"""
    from wiring import advise_on_processes, check_processes

    places = files or [PROCESSES]
    findings = check_processes(places)
    for finding in findings:
        typer.echo(finding)
    if not findings:
        for line in advise_on_processes(places):
            typer.echo(f"建议：{line}")
        typer.echo("没有发现问题。")
    sys.exit(1 if findings else 0)


@app.command()
def messages(
    files: Annotated[
        list[Path] | None, typer.Argument(help="流程图（.bpmn）；不写则为 processes/ 下的全部。")
    ] = None,
) -> None:
    """流程的每一步通知谁、用哪条文字、走什么渠道，写成表格；docs/messages.md 就是这样生成的。"""
    from wiring import describe_messages

    typer.echo(run_or_explain(lambda: describe_messages(files or sorted(PROCESSES.glob("*.bpmn")))), nl=False)


@app.command()
def deploy(
    keys: Annotated[list[str] | None, typer.Argument(help="流程，例如 issue；不写则部署全部。")] = None,
    folder: Annotated[Path, typer.Option(help="流程所在的目录。", file_okay=False, exists=True)] = PROCESSES,
    data: DataDir = None,
    demo: Demo = None,
) -> None:
    """把流程部署为新版本；内容没有变化的不产生新版本。办理中的问题仍按原版本办完。"""
    settings = read_settings(data_dir=data, demo=demo)
    from wiring import deploy_processes

    def run() -> list[str]:
        with a_database(settings) as url:
            return asyncio.run(deploy_processes(settings, url, folder, keys or None))

    for line in run_or_explain(run):
        typer.echo(line)


@app.command()
def demo(data: DataDir = None) -> None:
    """把演示数据写入演示数据库（已有的不重复写），并列出演示人员。"""
    settings = read_settings(data_dir=data, demo=True)
    from db.migrate import prepare_database
    from wiring import prepare, show_demo_people

    def run() -> list[str]:
        with a_database(settings) as url:
            prepare_database(url, demo=True)
            lines = asyncio.run(prepare(settings, url))
            return [*lines, *asyncio.run(show_demo_people(settings, url))]

    for line in run_or_explain(run):
        typer.echo(line)


@audit.command()
def verify(
    anchors: Annotated[
        list[str] | None, typer.Option("--anchor", help="抄录过的链尾，写作 批号:摘要；可以写多个。")
    ] = None,
    data: DataDir = None,
    demo: Demo = None,
) -> None:
    """核对审计记录：有改动、删除、插入或缺失的，退出码为 1，每处一行。"""
    from tasks.audit_log import read_anchors, verify_log

    settings = read_settings(data_dir=data, demo=demo)

    def run() -> tuple[list[str], bool]:
        with a_database(settings) as url:
            return asyncio.run(verify_log(settings, url, read_anchors(anchors or [])))

    lines, is_whole = run_or_explain(run)
    for line in lines:
        typer.echo(line)
    sys.exit(0 if is_whole else 1)


@audit.command()
def erase(
    who: Annotated[str, typer.Argument(help="手机号码，或自然人账号的编号。")],
    data: DataDir = None,
    demo: Demo = None,
) -> None:
    """删除审计记录中某人的个人信息（姓名、手机、地址等）；记录本身和封存链不变，删除也记入审计。"""
    from tasks.audit_log import erase_somebody

    settings = read_settings(data_dir=data, demo=demo)

    def run() -> str:
        with a_database(settings) as url:
            return asyncio.run(erase_somebody(settings, url, who))

    typer.echo(run_or_explain(run))


@audit.command()
def sign(
    anchor: Annotated[str, typer.Option(help="更换密钥之前抄录的链尾，写作 批号:摘要。")],
    data: DataDir = None,
    demo: Demo = None,
) -> None:
    """更换 QINGLING_SECRET_KEY 之后，核对无误再重新签名链尾。"""
    from tasks.audit_log import read_anchors, sign_again

    settings = read_settings(data_dir=data, demo=demo)

    def run() -> str:
        with a_database(settings) as url:
            return asyncio.run(sign_again(settings, url, read_anchors([anchor])))

    typer.echo(run_or_explain(run))


@admin.callback()
def administrators() -> None:
    """管理员：新建系统的三个管理员。"""


@admin.command("create")
def create_administrator(
    role: Annotated[str, typer.Option(help="system_admin、security_admin 或 auditor。")] = "",
    name: Annotated[str, typer.Option(help="姓名；不写则询问。")] = "",
    phone: Annotated[str, typer.Option(help="手机号码；不写则询问。")] = "",
    replace: Annotated[
        str | None, typer.Option(help="该角色已有人担任而无法登录时：其完整手机号码，其账号随即停用。")
    ] = None,
    data: DataDir = None,
    demo: Demo = None,
) -> None:
    """添加一位管理员，初始密码只显示这一次。三种角色由三个不同的人担任。"""
    settings = read_settings(data_dir=data, demo=demo)
    from db.migrate import prepare_database
    from wiring import make_administrator, prepare

    role = role or typer.prompt("角色（system_admin 系统、security_admin 安全、auditor 审计）")
    name = name or typer.prompt("姓名")
    phone = phone or typer.prompt("手机号码")

    def run() -> str:
        with a_database(settings) as url:
            prepare_database(url, demo=settings.demo)
            asyncio.run(prepare(settings, url, demo_data=False))
            return asyncio.run(make_administrator(settings, url, role, name, phone, replace))

    password = run_or_explain(run)
    typer.echo(f"已添加。初始密码（只显示这一次，第一次登录时要换成自己的）：{password}")


@wechat.callback()
def official_account() -> None:
    """微信公众号：菜单。"""


@wechat.command("menu")
def send_menu(data: DataDir = None, demo: Demo = None) -> None:
    """把 QINGLING_WECHAT_MENU 文件里的菜单发给微信，换掉公众号现有的菜单。"""
    settings = read_settings(data_dir=data, demo=demo)
    from sending import SendError
    from wechat.exceptions import MenuWrong
    from wiring import send_wechat_menu

    def run() -> None:
        with a_database(settings) as url:
            asyncio.run(send_wechat_menu(settings, url))

    try:
        run_or_explain(run)
    except MenuWrong as error:
        fail(f"菜单没有发出，公众号的菜单没有变化：{error}")
    except SendError as error:
        fail(f"微信没有接受这个菜单：{error.explanation or '没有说明'}（{error.code}）。")
    typer.echo("微信已接受这个菜单，关注者在 5 分钟内、或重新进入公众号后看到。")


def serve_all(settings: Settings) -> None:
    """Children first (they import while the database starts), then the database, then the word to go; until a signal."""
    from api.serving import Child, Fleet, bind
    from db.embedded import EmbeddedPostgres

    listener = bind(settings.host, settings.port)
    fd = listener.fileno()
    children = [
        Child(f"web {number}", ["-m", "cli", "web", "--fd", str(fd)], sockets=[fd])
        for number in range(1, settings.web_processes + 1)
    ]
    if settings.worker:
        children.append(Child("worker", ["-m", "cli", "worker"]))
    share_metrics(settings)
    fleet = Fleet(children, settings.stop_timeout_s)
    embedded = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
    fleet.start()
    try:
        url = embedded.start() if embedded else settings.database_url or ""
        people = make_ready(settings, url)
        fleet.release(url)
        address = f"http://{settings.host}:{listener.getsockname()[1]}"
        wait_until_served(address, fleet)
        for line in (f"企业问题清零已启动：{settings.public_origin or address}", *people):
            typer.echo(line)
        sys.stdout.flush()
        fleet.watch()
    finally:
        fleet.stop()
        if embedded:
            embedded.stop()


def make_ready(settings: Settings, database_url: str) -> list[str]:
    """Migrated, with its first data and processes; the lines to print about them."""
    from db.migrate import prepare_database
    from wiring import prepare, show_demo_people

    prepare_database(database_url, demo=settings.demo)
    for line in asyncio.run(prepare(settings, database_url)):
        typer.echo(line)
    sys.stdout.flush()
    return asyncio.run(show_demo_people(settings, database_url)) if settings.demo else []


def share_metrics(settings: Settings) -> None:
    """Several web processes add their figures up in files; those of the last run are removed."""
    if settings.web_processes == 1:
        return
    folder = settings.data_dir.absolute() / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def wait_until_served(address: str, fleet: "Fleet") -> None:
    """Until a web process answers that it is ready, or a signal to stop comes; one that dies meanwhile is started again."""
    while not fleet.stopping:
        fleet.look_after()
        try:
            with urlopen(f"{address}/readyz", timeout=1):  # noqa: S310  # our own address
                return
        except OSError:
            time.sleep(0.05)


def read_settings(**options: object) -> Settings:
    """The settings: options of the command over the environment. They go into the environment, for children."""
    for name, value in options.items():
        if value is not None:
            os.environ[f"QINGLING_{name.upper()}"] = str(int(value) if isinstance(value, bool) else value)
    from pydantic import ValidationError

    try:
        settings = Settings()
    except ValidationError as error:
        for mistake in error.errors():
            name = "_".join(str(part) for part in mistake["loc"]).upper() or "QINGLING"
            complain(f"设置 QINGLING_{name.removeprefix('QINGLING_')} 不正确：{mistake['msg']}")
        sys.exit(2)
    os.environ["QINGLING_DATA_DIR"] = str(settings.data_dir.absolute())
    from api.logs import configure_logging

    configure_logging(settings)
    return Settings()


def find_database(settings: Settings) -> str:
    """The database named by the settings, or the one that runs in the data folder; the program ends when there is none."""
    from db.embedded import find_running

    url = settings.database_url or find_running(settings.data_dir.absolute())
    if url is None:
        fail(
            f"没有可用的数据库：请设置 QINGLING_DATABASE_URL，或先在 {settings.data_dir} 上运行 qingling serve。"
        )
    return url


@contextmanager
def a_database(settings: Settings) -> Iterator[str]:
    """For a short command: the database named, the one that runs, or the embedded one started for as long as it takes."""
    from db.embedded import EmbeddedPostgres, find_running

    url = settings.database_url or find_running(settings.data_dir.absolute())
    if url:
        yield url
        return
    with EmbeddedPostgres(settings.data_dir) as embedded:
        yield embedded.url


def run_or_explain(run: Callable[[], Result]) -> Result:
    """Do it; what an operator can put right is told in a sentence, without a trace."""
    from api.serving import PortTaken
    from db.exceptions import DatabaseUnfit
    from errors import Refusal

    try:
        return run()
    except (DatabaseUnfit, PortTaken) as error:
        fail(str(error))
    except Refusal as refusal:
        details = [*refusal.details.get("findings", ()), *refusal.details.get("errors", {}).values()]
        fail(refusal.message, *map(str, details))
    except KeyboardInterrupt:
        sys.exit(130)


def complain(*lines: str) -> None:
    """To standard error."""
    for line in lines:
        typer.echo(line, err=True)


def fail(*lines: str) -> NoReturn:
    """Say why, and end with 1."""
    complain(*lines)
    sys.exit(1)


if __name__ == "__main__":
    app()

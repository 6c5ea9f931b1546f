"""Cards as people use them: the real agent with its own prompt, tokens in SoftHSM2, Chromium, and the product beside them.
Registered by card, asking at once, signed out, signed in by card; a wrong PIN; a card pulled in between; and over https as a
public site, where the browser asks for its permission."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from playwright.sync_api import BrowserContext, Playwright, expect

from tests.browser.chromium import find_chromium
from tests.browser.conftest import DESK
from tests.browser.served import Served, free_port
from tests.browser.somebody import Shot, Somebody, Violations
from tests.browser.tls import TlsFront
from tests.cardauth.agent import packages
from tests.cardauth.agent.process import AgentProcess
from tests.cardauth.agent.softhsm import PIN, SoftCard, SoftHsm
from tests.cardauth.pki import Holder, Pki

ENTERPRISE = "连云港听潮贸易有限公司"
PEOPLE = {
    "法人卡": Holder(ENTERPRISE, "91320700MA27QK0A14", "2325960T88", "法人卡", "程听潮", "2100000007001"),
    "操作员卡": Holder(ENTERPRISE, "91320700MA27QK0A14", "2325960T88", "操作员卡", "白小鸥", "2100000007002"),
}
PHONE, NEWCOMER, REGISTRAR, KEEPER = "13911112001", "13911112002", "13800000123", "13800000107"
READ, SIGN_IN, BIND = "读取卡内信息", "插卡登录", "读卡并绑定"


@dataclass
class Desk:
    """Everything on the table: the product, the agent, the cards, and people at browsers."""

    served: Served
    agent: AgentProcess
    cards: dict[str, SoftCard]
    sit_down: Callable[[str], Somebody]

    def insert_only(self, kind: str) -> None:
        """This card in the reader, and no other."""
        for name, card in self.cards.items():
            is_in = (card.hsm.tokens / card.name).exists()
            if is_in and name != kind:
                card.pull()
            if not is_in and name == kind:
                card.insert()


@pytest.fixture(scope="module")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SoftHsm, dict[str, SoftCard]]:
    """The authority's trust folder, and both cards in readers of the test's own."""
    folder = tmp_path_factory.mktemp("cards")
    hsm = SoftHsm(folder / "hsm", packages.find("usr/lib/**/libsofthsm2.so"))
    pki = Pki.make(datetime.now(UTC))
    cards: dict[str, SoftCard] = {}
    for kind, holder in PEOPLE.items():
        made = pki.issue(holder)
        certificate = x509.load_der_x509_certificate(made.certificate)
        cards[kind] = hsm.make_card(kind, certificate, made.key.private)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    return pki.write(folder / "trust"), hsm, cards


@pytest.fixture
def desk(
    plugged: tuple[Path, SoftHsm, dict[str, SoftCard]],
    new_context: Callable[..., BrowserContext],
    shot: Shot,
    violations: Violations,
) -> Iterator[Desk]:
    """A server that trusts these cards, and the agent that it expects."""
    trust, hsm, cards = plugged
    port = free_port()
    served = Served(QINGLING_CARD_TRUST_DIR=str(trust), QINGLING_CARD_AGENT_PORT=str(port))
    environment = environment_of(hsm)
    try:
        served.start()
        with AgentProcess(origins=[served.url], port=port, environment=environment) as agent:
            yield Desk(
                served,
                agent,
                cards,
                lambda phone: Somebody(new_context(), served.url, phone, shot, violations),
            )
    finally:
        served.stop()


def environment_of(hsm: SoftHsm) -> dict[str, str]:
    """What the agent needs to know of this driver."""
    own = {"QINGLING_AGENT_MODULES": str(hsm.module), "LD_LIBRARY_PATH": packages.library_path()}
    return hsm.environment | own


def read(desk: Desk, who: Somebody, button: str, *, pin: str = PIN) -> None:
    """Press the button and type the PIN where the agent asks for it."""
    press(who, button)
    desk.agent.type_pin(pin)


def press(who: Somebody, button: str) -> None:
    ready = who.page.get_by_role("button", name=re.compile(button))
    expect(ready).to_be_enabled()
    ready.click()


def test_a_life_with_cards(desk: Desk) -> None:
    desk.insert_only("法人卡")
    admin = desk.sit_down(PHONE)
    read_after_a_wrong_pin_and_a_pulled_card(desk, admin)
    register(admin)
    add_executive_and_ask(admin)
    sign_out_and_in(desk, admin)
    newcomer = desk.sit_down(NEWCOMER)
    desk.insert_only("操作员卡")
    ask_for_a_second_card(desk, newcomer)
    approve(desk)
    sign_in_newcomer(desk, newcomer)
    report_lost(desk, admin, newcomer)


def read_after_a_wrong_pin_and_a_pulled_card(desk: Desk, admin: Somebody) -> None:
    page = admin.page
    admin.go("/register")
    page.get_by_role("link", name="有卡用户注册").click()
    expect(page.get_by_text("卡已就绪")).to_be_visible()
    admin.look("card-ready")
    read(desk, admin, READ, pin="111111")
    expect(page.get_by_role("alert")).to_contain_text("不正确")
    admin.look("card-wrong-pin")
    press(admin, READ)
    desk.agent.read_until("卡密码：")
    desk.cards["法人卡"].pull()
    expect(page.get_by_role("alert")).to_contain_text("卡")
    expect(page.get_by_text("请插入法人卡或操作员卡")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(READ))).to_be_disabled()
    admin.look("card-pulled")
    desk.cards["法人卡"].insert()
    read(desk, admin, READ)
    admin.confirm("核对企业信息")


def register(admin: Somebody) -> None:
    page = admin.page
    expect(page.get_by_text(ENTERPRISE)).to_be_visible()
    expect(page.get_by_label("手机号码")).to_have_value("13900000001")
    page.get_by_label("手机号码").fill("12")
    admin.press("信息无误，获取验证码")
    expect(page.get_by_role("alert")).to_contain_text("11 位手机号码")
    page.get_by_label("手机号码").fill(PHONE)
    page.get_by_label("您的姓名").fill("程听潮")
    expect(page.get_by_label("注册地海关")).to_have_value("2325")
    admin.look("card-facts")
    seen = admin.codes()
    admin.press("信息无误，获取验证码")
    page.get_by_label("6 位验证码").fill(admin.new_code(seen))
    admin.look("card-code")
    admin.press("完成")
    admin.confirm("注册成功")
    admin.look("card-done")


def add_executive_and_ask(admin: Somebody) -> None:
    """Usable at once: the executive who reviews is added, the question raised and sent."""
    page = admin.page
    page.get_by_role("link", name="添加企业高管").click()
    admin.fill(name="鲁望海", phone="13911112009", position="总经理")
    page.get_by_role("button", name=re.compile("添加|保存")).click()
    expect(page.get_by_text("已添加鲁望海")).to_be_visible()
    admin.go("/issues/new")
    admin.fill(
        kind="政策咨询",
        category="减免税",
        office="2301",
        title="插卡注册以后提出的问题",
        description="我司刚刚注册，请问减免税设备怎样申请？",
    )
    page.get_by_role("button", name=re.compile("提交")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("提交")
    admin.open_issue("插卡注册以后提出的问题")
    admin.see_status("高管未审核")


def sign_out_and_in(desk: Desk, admin: Somebody) -> None:
    page = admin.page
    page.locator("details.account summary").click()
    admin.press("退出登录")
    page.get_by_role("link", name="CAS用户登录").click()
    expect(page.get_by_text("卡已就绪")).to_be_visible()
    admin.look("card-sign-in")
    read(desk, admin, SIGN_IN)
    expect(page.get_by_text("插卡注册以后提出的问题")).to_be_visible()
    admin.go("/account/cards")
    expect(page.get_by_text("程听潮（您本人）")).to_be_visible()
    expect(page.get_by_text("卡已就绪")).to_be_visible()
    admin.look("card-list")


def ask_for_a_second_card(desk: Desk, newcomer: Somebody) -> None:
    """The enterprise is registered: whoever comes with its other card asks the registrar."""
    page = newcomer.page
    newcomer.go("/sign-in/card")
    read(desk, newcomer, SIGN_IN)
    expect(page.get_by_role("alert")).to_contain_text("登录没有成功")
    newcomer.look("card-refused")
    newcomer.go("/register/card")
    read(desk, newcomer, READ)
    expect(page.get_by_text("这家企业已经注册")).to_be_visible()
    page.get_by_label("手机号码").fill(NEWCOMER)
    newcomer.look("card-exists")
    seen = newcomer.codes()
    newcomer.press("信息无误，获取验证码")
    page.get_by_label("6 位验证码").fill(newcomer.new_code(seen))
    newcomer.press("完成")
    newcomer.confirm("绑卡申请已提交")
    newcomer.look("card-asked")


def approve(desk: Desk) -> None:
    registrar = desk.sit_down(REGISTRAR).sign_in()
    page = registrar.page
    page.get_by_role("link", name="绑卡申请").click()
    page.get_by_role("link", name="白小鸥").click()
    page.get_by_label("身份属实").check()
    page.get_by_label("核实情况或原因").fill("看了身份证和企业介绍信，致电企业核实。")
    registrar.look("card-request")
    registrar.press("提交")
    expect(page.get_by_text("卡已绑定")).to_be_visible()


def sign_in_newcomer(desk: Desk, newcomer: Somebody) -> None:
    newcomer.go("/sign-in/card")
    read(desk, newcomer, SIGN_IN)
    expect(newcomer.page.locator("details.account summary")).to_contain_text("白小鸥")


def report_lost(desk: Desk, admin: Somebody, newcomer: Somebody) -> None:
    """The enterprise's admin reports the colleague's card lost: its session ends, and it opens nothing any more."""
    page = admin.page
    admin.go("/account/cards")
    row = page.get_by_role("row").filter(has_text="2100000007002")
    row.get_by_role("link", name="解绑或挂失").click()
    admin.look("card-one")
    page.get_by_label("挂失原因").fill("在码头丢了")
    admin.press("挂失")
    expect(page.get_by_text("卡已挂失")).to_be_visible()
    newcomer.go("/issues")
    expect(newcomer.page.get_by_role("heading", name="登录", exact=True)).to_be_visible()
    newcomer.go("/sign-in/card")
    read(desk, newcomer, SIGN_IN)
    expect(newcomer.page.get_by_role("alert")).to_contain_text("登录没有成功")
    keeper = desk.sit_down(KEEPER).sign_in()
    keeper.go("/security/cards?blocked=true")
    keeper.page.get_by_role("link", name="操作员卡").click()
    keeper.look("admin-card")


@pytest.fixture(scope="module")
def public_site(
    plugged: tuple[Path, SoftHsm, dict[str, SoftCard]],
) -> Iterator[tuple[str, int]]:
    """The product behind https, and the port on which it expects the agent."""
    front, agent_port = TlsFront(), free_port()
    served = Served(
        QINGLING_CARD_TRUST_DIR=str(plugged[0]),
        QINGLING_CARD_AGENT_PORT=str(agent_port),
        QINGLING_PUBLIC_ORIGIN=front.origin,
    )
    try:
        served.start()
        front.start(int(served.url.rpartition(":")[2]))
        yield front.origin, agent_port
    finally:
        front.stop()
        served.stop()


@pytest.mark.parametrize("answer", ["granted", "denied"])
def test_a_public_site_over_https_needs_the_browsers_permission(
    plugged: tuple[Path, SoftHsm, dict[str, SoftCard]],
    public_site: tuple[str, int],
    playwright: Playwright,
    shot: Shot,
    violations: Violations,
    answer: str,
) -> None:
    _, hsm, cards = plugged
    origin, agent_port = public_site
    for name, card in cards.items():
        if (card.hsm.tokens / card.name).exists() != (name == "法人卡"):
            card.insert() if name == "法人卡" else card.pull()
    chromium = find_chromium()
    browser = playwright.chromium.launch(
        executable_path=str(chromium.executable),
        env={**os.environ, **chromium.environment},
        args=[
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            f"--ip-address-space-overrides={origin.removeprefix('https://')}=public",
        ],
    )
    context = browser.new_context(
        ignore_https_errors=True, viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    if answer == "granted":
        context.grant_permissions(["local-network-access"], origin=origin)
    somebody = Somebody(context, origin, PHONE, shot, violations)
    with AgentProcess(origins=[origin], port=agent_port, environment=environment_of(hsm)) as agent:
        somebody.go("/register/card")
        page = somebody.page
        if answer == "granted":
            expect(page.get_by_text("卡已就绪")).to_be_visible()
            press(somebody, READ)
            shown = agent.type_pin(PIN)
            assert origin in shown, "the prompt names the site"
            somebody.confirm("核对企业信息")
        else:
            refused = page.get_by_text(re.compile("浏览器已阻止|请选“允许”"))
            expect(refused.first).to_be_visible()
            expect(page.get_by_role("button", name=READ)).to_be_disabled()
    browser.close()

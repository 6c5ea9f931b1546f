"""The routes as the settings set them up, in order: WeChat, SMS by each provider, mail. What is not set up is not there."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from mail.smtp import SmtpAccount, SmtpSender
from messages.adapters import Link, MailRoute, SmsRoute, WechatRoute
from messages.routes import Route
from messages.sealing import Sealer
from settings import Settings
from sms.providers import open_providers
from wechat.client import WechatClient
from wechat.http import WechatApp, open_http
from wechat.notices import ApiWechatSender
from wechat.templates import WechatTemplates

PAGES = {"issue": "/issues/{id}", "registration": "/registrations/{id}"}
IN_WECHAT = {"issue": "/w/issues/{id}"}
"""What a notice in WeChat opens; of a registration the first page there tells how it stands."""


@asynccontextmanager
async def open_routes(
    settings: Settings, sessions: async_sessionmaker[AsyncSession], clock: Callable[[], datetime]
) -> AsyncIterator[list[Route]]:
    """The routes to people; connections are closed when the block is left. Raises SmsMisconfigured and TemplatesWrong, which name
    every mistake."""
    link = page_link(settings.origin)
    async with AsyncExitStack() as stack:
        routes: list[Route] = []
        if app := WechatApp.of(settings):
            templates = WechatTemplates.from_file(settings.wechat_templates)
            http = await stack.enter_async_context(open_http(app))
            client = WechatClient(app, http, sessions, Sealer(settings.pepper), clock)
            there = page_link(settings.origin, IN_WECHAT, first="/w")
            routes.append(WechatRoute(ApiWechatSender(client, templates), templates, there))
        for provider in open_providers(settings, clock):
            stack.push_async_callback(provider.close)
            routes.append(SmsRoute(provider))
        if account := SmtpAccount.of(settings):
            routes.append(MailRoute(SmtpSender(account), settings.origin, link))
        yield routes


def page_link(origin: str, pages: Mapping[str, str] = PAGES, *, first: str = "/") -> Link:
    """Our own pages; where a message is about nothing that has one, the first page. A link names the thing: whoever opens it sees
    it only if they may."""

    def link(process: str | None, instance_id: UUID | None) -> str:
        page = pages.get(process or "")
        return origin + (page.format(id=instance_id) if page and instance_id else first)

    return link

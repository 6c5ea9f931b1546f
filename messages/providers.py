"""The routes as the settings set them up, in order: WeChat, SMS by each provider, mail. What is not set up is not there."""

from collections.abc import AsyncIterator, Callable
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
            routes.append(WechatRoute(ApiWechatSender(client, templates), templates, link))
        for provider in open_providers(settings, clock):
            stack.push_async_callback(provider.close)
            routes.append(SmsRoute(provider))
        if account := SmtpAccount.of(settings):
            routes.append(MailRoute(SmtpSender(account), settings.origin, link))
        yield routes


def page_link(origin: str) -> Link:
    """Our own pages; where a message is about nothing that has one, the first page."""

    def link(process: str | None, instance_id: UUID | None) -> str:
        page = PAGES.get(process or "")
        return origin + (page.format(id=instance_id) if page and instance_id else "/")

    return link

"""A world with a WeChat account: the strict fake behind it, and pushes as WeChat makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from api.wechat import open_wechat
from tests.api.conftest import World
from tests.wechat.fake_wechat import APP_ID, SECRET, FakeWechat
from tests.wechat.pushes import AES_KEY, TOKEN


@asynccontextmanager
async def with_wechat(
    world: World, fake: FakeWechat, *, aes_key: str | None = AES_KEY, timeout_s: float = 5.0
) -> AsyncIterator[None]:
    """This server has an official account from now on."""
    values = {
        "wechat_app_id": APP_ID,
        "wechat_secret": SecretStr(SECRET),
        "wechat_token": SecretStr(TOKEN),
        "wechat_aes_key": SecretStr(aes_key) if aes_key else None,
        "wechat_api_url": fake.url,
        "wechat_open_url": fake.url,
        "wechat_timeout_s": timeout_s,
    }
    wired = world.app.state.wired
    settings = wired.settings.model_copy(update=values)
    async with open_wechat(settings, wired.sessions, wired.read_clock) as door:
        world.app.state.wired = replace(wired, settings=settings, wechat=door)
        yield
        world.app.state.wired = wired

"""Which channels and routes there are, as the settings tell: nothing is opened. What opens them is `messages.providers`."""

from mail.sender import PROVIDER as SMTP
from messages.topics import CHANNELS, MAIL, SMS, WECHAT
from settings import Settings
from wechat.sender import PROVIDER as OFFICIAL_ACCOUNT


def channels_of(settings: Settings) -> list[str]:
    """The channels that reach people, in order. SMS is always among them: nobody can sign in without; the demo plays all."""
    there = {SMS} | {channel for channel, _ in routes_of(settings)}
    return [name for name in CHANNELS if settings.demo or name in there]


def routes_of(settings: Settings) -> list[tuple[str, str]]:
    """Channel and provider of every route that is set up, in order; what the demo plays itself is not among them."""
    routes = [(WECHAT, OFFICIAL_ACCOUNT)] if settings.wechat_app_id else []
    routes += [(SMS, name) for name in settings.sms_providers]
    return routes + ([(MAIL, SMTP)] if settings.mail_host else [])

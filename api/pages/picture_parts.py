"""Which pages offer WeChat's own album and camera beside a file field: those of the phone version, in WeChat, with an
account. Only they may load WeChat's script."""

from dataclasses import dataclass

from fastapi import Request

from api.phone import PREFIX, is_phone
from api.security import POLICY, write_policy
from api.wechat import is_in_wechat
from api.wired import Wired

SIGNATURE = f"{PREFIX}/wechat/signature"
PICTURES = f"{PREFIX}/wechat/pictures"
SCRIPTS = "https://res.wx.qq.com"
SCRIPT = f"{SCRIPTS}/open/js/jweixin-1.6.0.js"
"""https://developers.weixin.qq.com/doc/service/guide/h5/jssdk.html, 步骤二 (November 2026)."""


@dataclass(frozen=True)
class PicturesView:
    """What such a page loads, where it has itself signed, and the policy that allows it."""

    script: str = SCRIPT
    signature: str = SIGNATURE
    policy: str = write_policy(POLICY | {"script-src": f"'self' {SCRIPTS}"})


def view_pictures(request: Request) -> PicturesView | None:
    """For a page with a file field; None where there is nothing but that."""
    wired: Wired = request.app.state.wired
    if wired.wechat is None or not is_phone(request) or not is_in_wechat(request):
        return None
    return PicturesView()

"""Who opens a page in WeChat: where to send the browser, and whose code it comes back with. `state` is the caller's to make and
to check, and what an openid may do here is none of this room's business.

After https://developers.weixin.qq.com/doc/service/guide/h5/auth.html and api/webdev/access/api_snsaccesstoken (November 2026).
"""

import re
from urllib.parse import urlencode

from sending import SendError
from wechat.api import WechatApi
from wechat.codes import CODE_CODES
from wechat.exceptions import WechatCodeRefused, WechatSnapshot, WechatUnavailable
from wechat.http import WechatApp

STATE = re.compile(r"[A-Za-z0-9]{16,128}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9_-]{8,512}", re.ASCII)
OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)


def authorize_url(app: WechatApp, redirect_uri: str, state: str) -> str:
    """Where the browser goes; it comes back to `redirect_uri` with `code` and `state`. Nobody is asked anything (snsapi_base)."""
    if not STATE.fullmatch(state):
        raise ValueError("state: 16 to 128 letters and digits")
    query = urlencode(
        {  # in this order: WeChat compares the text
            "appid": app.app_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
    )
    return f"{app.open_url}/connect/oauth2/authorize?{query}#wechat_redirect"


async def exchange_code(api: WechatApi, code: str) -> str:
    """The openid that this code stands for; it is good once, for five minutes.

    Raises WechatCodeRefused, WechatSnapshot and WechatUnavailable.
    """
    if not CODE.fullmatch(code):
        raise WechatCodeRefused("shape")
    secrets = {
        "appid": api.app.app_id,
        "secret": api.app.secret,
        "code": code,
        "grant_type": "authorization_code",
    }
    try:
        answer = await api.call("/sns/oauth2/access_token", secrets=secrets)
    except SendError as error:
        if error.code in CODE_CODES:
            raise WechatCodeRefused(error.code) from None
        raise WechatUnavailable(error.code) from error
    if answer.get("is_snapshotuser") == 1:
        raise WechatSnapshot
    openid = answer.get("openid")
    if not isinstance(openid, str) or not OPENID.fullmatch(openid):
        raise WechatUnavailable("malformed")
    return openid

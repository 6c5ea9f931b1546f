"""What people or WeChat itself ask for in vain; each docstring is the sentence a user reads. Sending fails in the words of
`sending`.

Refusal
├── WechatCodeRefused     an OAuth code that is used up, too old or none: `code` is WeChat's word
├── WechatSnapshot        a visitor without an account of their own, who cannot be bound
├── WechatUnavailable     WeChat did not answer, or not as its documents say: `reason`
├── PictureGone           a picture that WeChat no longer has
├── PictureRefused        a picture that is too large, or none: `reason`
└── CallbackRefused       a push that is not WeChat's, too old or garbled: `reason`
ValueError
├── TemplatesWrong        the file of templates cannot be used; the text says where
└── MenuWrong             the same of the menu
"""

from errors import Refusal


class WechatCodeRefused(Refusal):
    """微信登录已失效，请回到公众号重新打开页面。"""

    def __init__(self, code: str) -> None:
        super().__init__(code=code)
        self.code = code


class WechatSnapshot(Refusal):
    """当前是微信的快照页，不能绑定或登录。请点击页面右下角的“使用完整服务”后再试。"""


class WechatUnavailable(Refusal):
    """微信暂时没有应答，请稍后再试，或用手机号和验证码登录。"""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PictureGone(Refusal):
    """图片已失效，请重新选择后再提交。"""


class PictureRefused(Refusal):
    """图片不能使用：只接受 JPG 和 PNG，并且不能超过大小限制。"""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class CallbackRefused(Refusal):
    """推送的内容没有通过核对。"""

    def __init__(self, reason: str) -> None:
        super().__init__()  # whoever forged it is not told what was wrong
        self.reason = reason


class TemplatesWrong(ValueError):
    """The file of templates cannot be used; each line of the text names one mistake."""


class MenuWrong(ValueError):
    """The file of the menu cannot be used; the text says where."""

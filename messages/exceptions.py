"""What can be wrong with a message's text, found when it is deployed or rendered, and with what a person chooses. How sending can
end is in `sending`."""

from errors import Refusal


class TextBroken(Exception):
    """A template that does not exist or cannot be read, or a placeholder nobody fills: a mistake in texts.yaml."""


class PreferencesRefused(Refusal):
    """消息设置没有保存：请选择列出的类别和渠道。"""


class QuietRefused(PreferencesRefused):
    """免打扰的开始和结束时间都要填写，并且不能相同。"""


class SeenRefused(Refusal):
    """没有标为已读：请刷新消息列表后再试。"""

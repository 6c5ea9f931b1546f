"""What can go wrong with a message. Texts break when they are deployed or rendered; sending is told apart by what helps.

TextBroken          a template that does not exist, or a placeholder nobody fills: a mistake in texts.yaml
SendFailed          not delivered now; trying again may help
SendRefused         never delivered: trying again is useless
"""


class TextBroken(Exception):
    """A message text that cannot be rendered."""


class SendFailed(Exception):
    """The channel could not deliver; a later try may succeed."""


class SendRefused(Exception):
    """The channel will never deliver this message."""

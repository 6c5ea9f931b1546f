"""The real adapter: a notice as a template message or a subscription notice, as the file of templates says.

A template message carries our message's id as `client_msg_id`: WeChat sends one message for it within ten minutes
(api/notify/template/api_sendtemplatemessage, November 2026). Subscription notices have nothing of the kind.
"""

from sending import Receipt
from wechat.client import WechatClient
from wechat.sender import PROVIDER, Notice
from wechat.templates import Template, WechatTemplates, fill


class ApiWechatSender:
    """Sends notices through WeChat's API."""

    def __init__(self, client: WechatClient, templates: WechatTemplates) -> None:
        self._client, self._templates = client, templates

    async def send(self, notice: Notice) -> Receipt:
        """Hand over one notice. Raises SendError, whose text holds nothing of the person."""
        template = self._templates.find(notice.template)
        body = {"touser": notice.openid, "template_id": template.id, "data": fill(template, notice)}
        answer = await self._client.call(
            _path(template), body={**body, **_extras(template, notice)}, sends=True
        )
        msgid = answer.get("msgid")
        return Receipt(PROVIDER, str(msgid) if isinstance(msgid, int) else str(notice.message_id))


def _path(template: Template) -> str:
    if template.kind == "subscribe":
        return "/cgi-bin/message/subscribe/bizsend"
    return "/cgi-bin/message/template/send"


def _extras(template: Template, notice: Notice) -> dict[str, str]:
    if template.kind == "subscribe":
        return {"page": notice.url} if notice.url else {}
    url = {"url": notice.url} if notice.url else {}
    return {**url, "client_msg_id": notice.message_id.hex}  # 32 characters, as many as are allowed

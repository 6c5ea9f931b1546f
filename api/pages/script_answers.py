"""The JSON that scripts of our own pages get; no part of the contract, and as closed."""

from api.closed import Answer, answer, says


@answer
class FieldShape(Answer):
    """Whether the answers so far call for a field."""

    hidden: bool = says("不显示")
    required: bool = says("必填")


@answer
class SavedDraft(Answer):
    """What became of what a page saved by itself."""

    saved: str | None = says("一句话；没有保存为 null")
    fields: dict[str, FieldShape] = says("各项是否显示、是否必填，键是项名")


@answer
class SavedNew(SavedDraft):
    """The same of a page whose draft may have got an address of its own."""

    address: str | None = says("草稿的网址")
    draft_address: str | None = says("以后保存到这里")


@answer
class SignedPage(Answer):
    """What `wx.config` wants; the names are WeChat's."""

    appId: str = says("公众号的 AppID")  # noqa: N815
    timestamp: int = says("签名的时间")
    nonceStr: str = says("签名用的随机串")  # noqa: N815
    signature: str = says("签名")

"""What pushes say, from the examples of WeChat's documents."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import Report
from tests.wechat.pushes import event
from wechat.events import (
    Other,
    SubscribeChoice,
    Subscribed,
    SubscribeSent,
    TemplateSent,
    Unsubscribed,
    read_push,
)
from wechat.exceptions import CallbackRefused

AT = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
OPENID = "oAbCdEf-0123456789_follower1"


def read(name: str, inner: str = "") -> object:
    return read_push(event(name, AT, inner).encode())


def test_who_follows_and_who_left() -> None:
    came = read("subscribe", "<EventKey><![CDATA[qrscene_123123]]></EventKey><Ticket><![CDATA[T]]></Ticket>")
    assert isinstance(came, Subscribed)
    assert (came.openid, came.at, came.scene) == (OPENID, AT, "123123")
    assert OPENID not in repr(came)
    plain = read("subscribe", "<EventKey><![CDATA[]]></EventKey>")
    assert isinstance(plain, Subscribed) and plain.scene == ""
    left = read("unsubscribe", "<EventKey><![CDATA[]]></EventKey>")
    assert isinstance(left, Unsubscribed) and left.openid == OPENID


@pytest.mark.parametrize(
    ("status", "arrived"), [("success", True), ("failed:user block", False), ("failed: system failed", False)]
)
def test_what_became_of_a_template_message(status: str, arrived: bool) -> None:
    done = read(
        "TEMPLATESENDJOBFINISH", f"<MsgID>2400000000000000001</MsgID><Status><![CDATA[{status}]]></Status>"
    )
    assert isinstance(done, TemplateSent)
    assert done.report == Report("wechat", "2400000000000000001", arrived, AT, status)


def test_what_became_of_subscription_notices() -> None:
    inner = (
        "<SubscribeMsgSentEvent><List><TemplateId><![CDATA[VRR0]]></TemplateId><MsgID>1700827132819554304</MsgID>"
        "<ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus></List>"
        "<List><TemplateId><![CDATA[VRR1]]></TemplateId><MsgID>17</MsgID><ErrorCode>48006</ErrorCode>"
        "<ErrorStatus><![CDATA[failed]]></ErrorStatus></List></SubscribeMsgSentEvent>"
    )
    sent = read("subscribe_msg_sent_event", inner)
    assert isinstance(sent, SubscribeSent)
    assert [(one.reference, one.arrived, one.code) for one in sent.reports] == [
        ("1700827132819554304", True, "success"),
        ("17", False, "failed"),
    ]


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("subscribe_msg_popup_event", "SubscribeMsgPopupEvent"),
        ("subscribe_msg_change_event", "SubscribeMsgChangeEvent"),
    ],
)
def test_what_somebody_subscribed_to(name: str, tag: str) -> None:
    items = "".join(
        f"<List><TemplateId><![CDATA[{id_}]]></TemplateId>"
        f"<SubscribeStatusString><![CDATA[{answer}]]></SubscribeStatusString><PopupScene>2</PopupScene></List>"
        for id_, answer in (("VRR0", "accept"), ("9nLI", "reject"))
    )
    chosen = read(name, f"<{tag}>{items}</{tag}>")
    assert isinstance(chosen, SubscribeChoice)
    assert chosen.choices == (("VRR0", True), ("9nLI", False))


def test_everything_else_is_other() -> None:
    opened = read("VIEW", "<EventKey><![CDATA[https://qingling.example.cn/w]]></EventKey>")
    assert isinstance(opened, Other) and opened.kind == "VIEW"
    text = event("x", AT).replace("[event]", "[text]").replace("</xml>", "<MsgId>17</MsgId></xml>")
    said = read_push(text.encode())
    assert isinstance(said, Other) and (said.kind, said.key) == ("text", "text 17")


def test_wechats_repeats_have_the_same_key_and_others_do_not() -> None:
    assert read("subscribe") == read("subscribe")
    keys = {getattr(read(name), "key", None) for name in ("subscribe", "unsubscribe", "VIEW")}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("TEMPLATESENDJOBFINISH", ""),
        ("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID>"),
        ("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID><MsgID>2</MsgID><Status>success</Status>"),
        ("subscribe_msg_sent_event", ""),
        ("subscribe_msg_sent_event", "<SubscribeMsgSentEvent/>"),
        ("subscribe_msg_popup_event", "<SubscribeMsgPopupEvent><List/></SubscribeMsgPopupEvent>"),
        ("subscribe_msg_popup_event", f"<SubscribeMsgPopupEvent>{'<List/>' * 51}</SubscribeMsgPopupEvent>"),
    ],
)
def test_an_event_that_lacks_its_content_is_refused(name: str, inner: str) -> None:
    with pytest.raises(CallbackRefused):
        read(name, inner)


TAGS = [
    "xml",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Event",
    "MsgID",
    "Status",
    "List",
    "SubscribeMsgSentEvent",
]


@settings(deadline=None)
@given(
    st.recursive(
        st.text("<>&ab1 ", max_size=5),
        lambda inner: st.tuples(st.sampled_from(TAGS), st.lists(inner, max_size=6)),
    )
)
def test_any_tree_is_read_or_refused(tree: object) -> None:
    def write(node: object) -> str:
        if isinstance(node, tuple):
            tag, inner = node
            return f"<{tag}>{''.join(map(write, inner))}</{tag}>"
        return str(node)

    xml = event("TEMPLATESENDJOBFINISH", AT, write(tree))
    try:
        pushed = read_push(xml.encode())
    except CallbackRefused:
        return
    assert pushed.openid == OPENID

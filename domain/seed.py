"""Data every database starts with: offices, kinds, categories, importances. An administrator edits them afterwards."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.models import CustomsOffice, ListEntry

FOUND = "公开资料"
UNVERIFIED = "待核实"

OFFICES = (
    ("2300", "南京海关", None, FOUND),
    ("2301", "连云港海关", "2300", UNVERIFIED),
    ("2302", "南通海关", "2300", UNVERIFIED),
    ("2303", "苏州海关", "2300", UNVERIFIED),
    ("2304", "无锡海关", "2300", UNVERIFIED),
    ("2305", "张家港海关", "2300", UNVERIFIED),
    ("2306", "常州海关", "2300", UNVERIFIED),
    ("2307", "镇江海关", "2300", UNVERIFIED),
    ("2308", "新生圩海关", "2300", UNVERIFIED),
    ("2309", "盐城海关", "2300", UNVERIFIED),
    ("2310", "扬州海关", "2300", UNVERIFIED),
    ("2311", "徐州海关", "2300", UNVERIFIED),
    ("2312", "江阴海关", "2300", UNVERIFIED),
    ("2315", "淮安海关", "2300", UNVERIFIED),
    ("2316", "泰州海关", "2300", UNVERIFIED),
    ("2325", "昆山海关", "2300", FOUND),
)

ENTRIES = {
    "kind": ("政策咨询", "业务办理", "困难求助", "意见建议", "投诉"),
    "category": (
        "通关监管",
        "税收征管",
        "减免税",
        "原产地",
        "加工贸易与保税",
        "检验检疫",
        "企业管理(AEO)",
        "稽查",
        "跨境电商",
        "知识产权",
        "统计",
        "信息系统",
        "其他",
    ),
    "importance": ("一般", "重要", "紧急"),
}


async def seed(session: AsyncSession) -> None:
    """Add what is missing; what is there stays as it was edited."""
    offices = [
        {"code": code, "name": name, "parent": parent, "active": True, "source": source}
        for code, name, parent, source in OFFICES
    ]
    await session.execute(insert(CustomsOffice).values(offices).on_conflict_do_nothing())
    entries = [
        {"list_name": list_name, "code": word, "name": word, "position": position, "active": True}
        for list_name, words in ENTRIES.items()
        for position, word in enumerate(words, start=1)
    ]
    await session.execute(insert(ListEntry).values(entries).on_conflict_do_nothing())

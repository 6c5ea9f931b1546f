"""All tables that our models describe, and what a comparison with the real database leaves out. For migrations and tests."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from sqlalchemy import MetaData
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from db.demo_mark import TABLE as MARK_TABLE

ROOMS = ("engine", "tasks", "domain", "messages", "wechat", "cardauth", "api")


def load_tables() -> MetaData:
    """Import every room's `models.py`, and return what they have declared."""
    for room in ROOMS:
        if find_spec(room) and find_spec(f"{room}.models"):
            import_module(f"{room}.models")
    return SQLModel.metadata


def compare_options() -> dict[str, Any]:
    """How a model and a table are compared: types and defaults too; tables that others keep are left out."""
    return {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": is_ours,
        "render_item": render_plain,
    }


def render_plain(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """SQLModel's own string type is written as SQLAlchemy's: a migration depends on no model library."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def is_ours(
    name: str | None,
    kind: Literal["schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"],
    _parents: Any,
) -> bool:
    """Procrastinate's tables belong to procrastinate, the mark to `db.demo_mark`."""
    return kind != "table" or not (name == MARK_TABLE or str(name).startswith("procrastinate_"))

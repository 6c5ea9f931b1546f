"""Fields of every kind as an analyst adds them: to the `.form` files alone."""

import json
from typing import Any

KINDS: dict[str, dict[str, Any]] = {
    "contract_no": {"type": "textfield", "label": "合同号"},
    "circumstances": {"type": "textarea", "label": "有关情况"},
    "value_usd": {"type": "number", "label": "货值（美元）"},
    "transport": {
        "type": "select",
        "label": "运输方式",
        "values": [{"label": "水路", "value": "sea"}, {"label": "航空", "value": "air"}],
    },
    "hurry": {
        "type": "radio",
        "label": "是否压港",
        "values": [{"label": "已经压港", "value": "yes"}, {"label": "没有", "value": "no"}],
    },
    "asked_before": {"type": "checkbox", "label": "以前问过"},
    "papers": {
        "type": "checklist",
        "label": "手上有的单证",
        "values": [{"label": "提单", "value": "bl"}, {"label": "发票", "value": "invoice"}],
    },
    "shipped_on": {"type": "datetime", "subtype": "date", "label": "装船日期"},
    "photos": {"type": "filepicker", "label": "现场照片", "multiple": True},
    "see_office": {"type": "select", "label": "可能有关的海关", "valuesKey": "offices"},
}
ANSWERS: dict[str, Any] = {
    "contract_no": "HT-2026-0071",
    "circumstances": "货物已经到港，\n船公司催提箱。",
    "value_usd": 125000.5,
    "transport": "sea",
    "hurry": "yes",
    "asked_before": True,
    "papers": ["bl", "invoice"],
    "shipped_on": "2026-02-27",
    "see_office": "2302",
}
TEXTS = {
    "contract_no": "HT-2026-0071",
    "circumstances": "货物已经到港，\n船公司催提箱。",
    "value_usd": "125000.5",
    "transport": "水路",
    "hurry": "已经压港",
    "asked_before": "是",
    "papers": "提单、发票",
    "shipped_on": "2026-02-27",
    "see_office": "南通海关",
}


def add_fields(
    files: dict[str, str], forms: list[str], keys: list[str] | None = None, *, required: bool = False
) -> dict[str, str]:
    """These files with the fields (all, or these) at the end of these forms, named by their tasks."""
    changed = dict(files)
    for name in files:
        if name.rsplit("/", 1)[-1].removesuffix(".form") in forms and name.endswith(".form"):
            schema = json.loads(files[name])
            for key in keys or KINDS:
                rules = {"validate": {"required": True}} if required else {}
                schema["components"].append({"id": f"Added_{key}", "key": key, **KINDS[key], **rules})
            changed[name] = json.dumps(schema, ensure_ascii=False)
    return changed


def drop_field(files: dict[str, str], form: str, key: str) -> dict[str, str]:
    """These files without one field of one form, wherever it stands in it."""

    def without(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**one, "components": without(one["components"])} if "components" in one else one
            for one in components
            if one.get("key") != key
        ]

    [name] = [name for name in files if name.endswith(f"/{form}.form")]
    schema = json.loads(files[name])
    return files | {
        name: json.dumps({**schema, "components": without(schema["components"])}, ensure_ascii=False)
    }

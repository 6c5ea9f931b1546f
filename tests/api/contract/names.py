"""Every name that programs from outside may rely on, by route: parameters, fields of bodies and of answers. names.txt keeps those
that were ever there; it only grows."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("names.txt")
Names = dict[str, set[str]]


def list_names(document: Mapping[str, Any]) -> Names:
    """The names in an OpenAPI document: `body.title`, `201.id`, `?q`; what is in a list is named like a part."""
    schemas = document["components"]["schemas"]
    return {
        f"{method.upper()} {path}": set(_operation(operation, schemas))
        for path, methods in document["paths"].items()
        if re.match("/api/|/dev/", path)
        for method, operation in methods.items()
    }


def _operation(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    for one in operation.get("parameters", ()):
        if one["in"] != "path":
            yield f"?{one['name']}"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _fields(content["schema"], schemas, "body")
    for status, told in operation["responses"].items():
        if status < "400":
            yield status
            for content in told.get("content", {}).values():
                yield from _fields(content.get("schema", {}), schemas, status)


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any], place: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    inside = [schema["items"]] if "items" in schema else []
    for part in (*schema.get("anyOf", ()), *inside):
        yield from _fields(part, schemas, place)
    for name, part in schema.get("properties", {}).items():
        yield f"{place}.{name}"
        yield from _fields(part, schemas, f"{place}.{name}")


def read_names(text: str) -> Names:
    """What `write_names` wrote."""
    found: Names = {}
    names: set[str] = set()
    for line in text.splitlines():
        if line.startswith(" "):
            place, _, fields = line.strip().partition(": ")
            names.update(f"{place}.{field}" if place != "-" else field for field in fields.split())
        elif line and not line.startswith("#"):
            names = found.setdefault(line, set())
    return found


def write_names(names: Names) -> str:
    """A paragraph for each route, in it a line for each object: whoever adds a field changes one line."""
    lines = ["# Names that programs rely on: this list only grows. Kept by test_contract.py."]
    for route in sorted(names):
        lines.append(route)
        places: dict[str, list[str]] = {}
        for name in sorted(names[route]):
            place, _, field = name.rpartition(".")
            places.setdefault(place or "-", []).append(field)
        lines += [f"  {place}: {' '.join(fields)}" for place, fields in sorted(places.items())]
    return "\n".join(lines) + "\n"

"""Our templates as a provider knows them: a YAML file says its id and the order of parameters for each (docs/sms.md).

tencent:
  code_sign_in: {id: "1234567", parameters: [code, minutes]}
  issue.answered: {id: "1234568"}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sms.exceptions import SmsMisconfigured

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
PROVIDERS_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProviderTemplate:
    """A template as it was approved: its id, and which of our parameters fill its places, in order."""

    id: str
    parameters: tuple[str, ...] = ()


class _Texts(yaml.SafeLoader):
    """Every scalar is a text (an id such as 0123 is no number), and a name stands once only."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise yaml.YAMLError(f"{', '.join(twice)} stands twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def read_templates(path: Path, provider: str) -> dict[str, ProviderTemplate]:
    """The provider's section, by our names. Raises SmsMisconfigured, which names every mistake in it."""
    try:
        sections = yaml.load(path.read_text(encoding="utf-8"), _Texts)  # noqa: S506  (a SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise SmsMisconfigured([f"{path} cannot be read"]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise SmsMisconfigured([f"{path} is not YAML: {error}"]) from error
    section = sections.get(provider) if isinstance(sections, dict) else None
    if not isinstance(section, dict):
        raise SmsMisconfigured([f"{path} has no section {provider}"])
    mistakes: list[str] = []
    templates = {
        str(name): template
        for name, entry in section.items()
        if (template := _read_entry(f"{path}, {provider}.{name}", name, entry, mistakes))
    }
    if mistakes:
        raise SmsMisconfigured(mistakes)
    return templates


def _read_entry(place: str, name: Any, entry: Any, mistakes: list[str]) -> ProviderTemplate | None:
    """One template, or None and the mistake noted."""
    mistake = _find_mistake(name, entry)
    if mistake:
        mistakes.append(f"{place}: {mistake}")
        return None
    return ProviderTemplate(entry["id"], tuple(entry.get("parameters") or ()))


def _find_mistake(name: Any, entry: Any) -> str | None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "not a template's name"
    if not isinstance(entry, dict):
        return "must look like {id: …, parameters: […]}"
    if unknown := entry.keys() - {"id", "parameters"}:
        return f"unknown: {', '.join(sorted(map(str, unknown)))}"
    if not isinstance(entry.get("id"), str) or not PROVIDERS_ID.fullmatch(entry["id"]):
        return "id must be the provider's id of the template"
    parameters = entry.get("parameters", [])
    if not isinstance(parameters, list):
        return "parameters must be a list"
    wrong = [str(each) for each in parameters if not (isinstance(each, str) and PARAMETER.fullmatch(each))]
    return f"not a parameter's name: {', '.join(wrong)}" if wrong else None

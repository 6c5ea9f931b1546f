"""Definitions: read from a folder, checked, deployed as numbered versions that never change, parsed once and kept.

A version is all the files of a process under one content hash. Deploying what is the newest version already does
nothing; going back to what an earlier version held makes a version of its own. Parsed definitions are shared by all
instances of a version and never changed.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from engine import statements
from engine.exceptions import DiagramRefused, UnknownProcess
from engine.findings import Finding
from engine.specs import ParsedDefinition, parse_definition
from engine.validation import validate

KEPT = 64  # parsed definitions in memory; a process has few versions with live instances
KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
TEXT_FILES = (".bpmn", ".dmn", ".form", ".yaml")

FindUnmet = Callable[[ParsedDefinition], Sequence[Finding]]
"""What the program needs of a process beyond the rules for every diagram."""


@dataclass(frozen=True)
class Definition:
    """One deployed version, without its files."""

    id: UUID
    key: str
    version: int
    content_hash: str
    deployed_at: datetime
    deployed_by: UUID | None


class Catalogue:
    """What is deployed. Knows the functions and operators that there are, and what each process is given at its start, to refuse
    diagrams that name others; `find_unmet` says what the rest of the program needs of a process."""

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        operators: Mapping[str, Callable[..., Any]],
        given: Mapping[str, Collection[str]] | None = None,
        find_unmet: FindUnmet | None = None,
    ) -> None:
        self._functions = functions
        self._operators = operators
        self._given = given
        self._find_unmet = find_unmet
        self._parsed: OrderedDict[UUID, ParsedDefinition] = OrderedDict()

    async def newest(self, session: AsyncSession, key: str) -> Definition:
        """The highest version of a process; UnknownProcess if it has none."""
        row = (await session.execute(statements.NEWEST_DEFINITION, {"key": key})).one_or_none()
        if row is None:
            raise UnknownProcess(key=key)
        return _definition(row)

    async def load(self, session: AsyncSession, definition_id: UUID) -> ParsedDefinition:
        """The parsed definition, from memory once it has been read."""
        if parsed := self._parsed.get(definition_id):
            self._parsed.move_to_end(definition_id)
            return parsed
        parameters = {"definition_id": definition_id}
        row = (await session.execute(statements.DEFINITION_FILES, parameters)).one_or_none()
        if row is None:
            raise UnknownProcess(definition_id=str(definition_id))
        return self._keep(definition_id, parse_definition(row.files))

    async def deploy(
        self, session: AsyncSession, key: str, files: Mapping[str, str], *, actor: UUID | None, now: datetime
    ) -> tuple[Definition, bool]:
        """The version with these files, and whether it is new. DiagramRefused names every mistake in them.

        Of several that deploy at once one makes the version, the others find it.
        """
        files = normalise(files)
        await asyncio.to_thread(self._check, key, files)
        content_hash = hash_files(files)
        await session.execute(statements.LOCK_KEY, {"key": key})
        newest = (await session.execute(statements.NEWEST_DEFINITION, {"key": key})).one_or_none()
        if newest is not None and newest.content_hash == content_hash:
            return _definition(newest), False
        parameters = {
            "key": key,
            "content_hash": content_hash,
            "definition_id": uuid7(),
            "files": orjson.dumps(files).decode(),
            "now": now,
            "actor": actor,
        }
        row = (await session.execute(statements.INSERT_DEFINITION, parameters)).one()
        return _definition(row), True

    def in_memory(self) -> tuple[ParsedDefinition, ...]:
        """What this process has read so far."""
        return tuple(self._parsed.values())

    def _check(self, key: str, files: Mapping[str, str]) -> None:
        findings = validate(files, operators=self._operators, functions=self._functions, given=self._given)
        if findings:
            raise DiagramRefused(findings)
        parsed = parse_definition(files)
        if parsed.key != key:
            sentence = f"流程的编号是 {parsed.key}，应与文件名 {key} 相同。"
            raise DiagramRefused([Finding(f"{key}.bpmn", parsed.key, "wrong-process-id", sentence)])
        if unmet := self._find_unmet(parsed) if self._find_unmet else ():
            raise DiagramRefused(list(unmet))

    def _keep(self, definition_id: UUID, parsed: ParsedDefinition) -> ParsedDefinition:
        self._parsed[definition_id] = parsed
        if len(self._parsed) > KEPT:
            self._parsed.popitem(last=False)
        return parsed


def read_folder(root: Path, key: str) -> dict[str, str]:
    """The files of one process, named as they lie below `root`: its diagram, the decision tables that the diagram
    calls, and everything in its folder (forms, cases, texts)."""
    diagram = root / f"{key}.bpmn"
    if not KEY.fullmatch(key) or not diagram.is_file():
        raise UnknownProcess(key=key)
    return read_beside(diagram)


def read_beside(diagram: Path) -> dict[str, str]:
    """The same for a diagram that may have any name, as a file of another tool has."""
    root = diagram.parent
    files = {diagram.name: diagram.read_text(encoding="utf-8-sig")}
    called = set(re.findall(r"calledDecisionId>\s*([\w.-]+)\s*<", files[diagram.name]))
    for table in sorted(root.glob("*.dmn")):
        body = table.read_text(encoding="utf-8-sig")
        if called & set(re.findall(r"<(?:\w+:)?decision\b[^<>]*?\bid=[\"']([^\"']+)", body)):
            files[table.name] = body
    for file in sorted((root / diagram.stem).rglob("*")):
        if file.suffix in TEXT_FILES:
            files[file.relative_to(root).as_posix()] = file.read_text(encoding="utf-8-sig")
    return normalise(files)


def normalise(files: Mapping[str, str]) -> dict[str, str]:
    """The same texts whatever editor or system wrote them: sorted by name, no byte order mark, `\\n` ends a line."""
    return {
        name: files[name].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        for name in sorted(files)
    }


def hash_files(files: Mapping[str, str]) -> str:
    """The content hash of normalised files: SHA-256 over names and texts, each with its length before it."""
    digest = sha256()
    for part in (part for name in sorted(files) for part in (name, files[name])):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8))
        digest.update(encoded)
    return digest.hexdigest()


def _definition(row: Row[tuple[UUID, str, int, str, datetime, UUID | None]]) -> Definition:
    return Definition(*row)

"""The command `dev` and what it installs from: standard library only, steps skipped exactly while their inputs are the same,
and locks that name packages and hashes but no machine or registry."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "ui" / "package-lock.json", ROOT / "tests" / "browser" / "package-lock.json"]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command as a module, believing that the project lies in an empty folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = spec_from_loader("dev", SourceFileLoader("dev", str(ROOT / "dev")))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, path in {"ROOT": tmp_path, "STAMPS": tmp_path / "stamps", "VENV": tmp_path / ".venv"}.items():
        monkeypatch.setattr(module, name, path)
    (tmp_path / "stamps").mkdir()
    return module


def test_it_needs_nothing_but_the_standard_library() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse((ROOT / "dev").read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("file", ["dev", ".ci/run"])
def test_the_commands_are_executable(file: str) -> None:
    assert os.access(ROOT / file, os.X_OK)


def test_every_command_is_explained(dev: ModuleType) -> None:
    assert dev.__doc__
    assert set(re.findall(r"^  \./dev ([\w-]+)", dev.__doc__, flags=re.MULTILINE)) == set(dev.COMMANDS)


def test_an_unknown_command_explains_the_known_ones_and_fails() -> None:
    result = subprocess.run([ROOT / "dev", "tset"], capture_output=True, text=True)
    assert (result.returncode, "./dev test" in result.stdout) == (2, True)


def test_a_step_is_fresh_only_while_its_inputs_are_the_same(dev: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "one.js").write_text("1")
    assert not dev.fresh("pages", [dev.digest(folder)])
    dev.done("pages", [dev.digest(folder)])
    assert dev.fresh("pages", [dev.digest(folder)])
    (folder / "one.js").write_text("2")
    assert not dev.fresh("pages", [dev.digest(folder)])
    (folder / "one.js").write_text("1")
    assert dev.fresh("pages", [dev.digest(folder)])
    (folder / "one.js").rename(folder / "two.js")
    assert not dev.fresh("pages", [dev.digest(folder)])


def test_a_failing_step_says_what_it_ran_and_what_it_printed(dev: ModuleType) -> None:
    with pytest.raises(dev.Failed, match=r"(?s)-c.*broken pipe dream.*try this"):
        dev.call(sys.executable, "-c", "import sys; sys.exit('broken pipe dream')", hint="try this")


def test_a_virtual_environment_that_was_moved_does_not_count(dev: ModuleType, tmp_path: Path) -> None:
    assert not dev.works(tmp_path / ".venv" / "bin" / "python")
    assert not dev.works(Path(sys.executable)), "it lies elsewhere than this project's"


def test_the_lock_pins_every_dependency_by_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = [*chain.from_iterable(extras.values()), *project["dependency-groups"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {name.lower() for name in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", lock, flags=re.MULTILINE)}
    missing = {re.split(r"[\[<>=]", requirement)[0].lower() for requirement in wanted} - pinned
    assert missing == set()
    blocks = re.split(r"\n(?=\S)", lock.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_name_no_place() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
    for path in LOCKS:
        packages = json.loads(path.read_text())["packages"]
        assert [name for name, package in packages.items() if "resolved" in package] == []
        assert [name for name, package in packages.items() if name and not package.get("integrity")] == []


@pytest.mark.parametrize(
    ("rest", "side_by_side"),
    [
        ([], True),
        (["-q", "--durations=10"], True),
        (["dev"], False),
        (["dev::test_one", "-x"], False),
        (["-n", "0"], False),
        (["--pdb"], False),
    ],
)
def test_the_whole_run_uses_every_core_and_a_chosen_file_runs_alone(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, rest: list[str], side_by_side: bool
) -> None:
    (dev.ROOT / "dev").write_text("")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert bool(dev.side_by_side(rest)) is side_by_side
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert dev.side_by_side(rest) == []


def test_bytecode_is_kept_where_it_may_not_lie_beside_the_sources(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = dev.environment()
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert Path(environment["PYTHONPYCACHEPREFIX"]).is_relative_to(dev.ROOT / ".cache")


def test_the_agent_gets_the_demos_cards_unless_it_is_told_otherwise(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(dev, "set_up", lambda *_: None)
    monkeypatch.setattr(dev, "become", lambda *arguments: started.append(arguments))
    dev.card_agent([])
    dev.card_agent(["status"])
    assert started == [
        ("-m", "cardauth.agent", "--demo-card", "var/demo-cards"),
        ("-m", "cardauth.agent", "status"),
    ]


@pytest.fixture
def archive(dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for apt-get and dpkg-deb that write down how they were called; the file `mood` says what apt-get can do."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apt-get").write_text(
        f"""#!/bin/sh
set -e
echo "$@" >> {tmp_path}/calls
mood=$(cat {tmp_path}/mood)
case "$*" in
  *" update") test $mood != offline ;;
  *--simulate*) echo "Inst libneeded (1.0)"; echo "Inst libllvm15 (15)"; echo "Conf libneeded (1.0)" ;;
  *Dir::State*) test $mood = old; touch some.deb ;;
  *) test $mood = well; touch some.deb ;;
esac
"""
    )
    (programs / "dpkg-deb").write_text('#!/bin/sh\nmkdir -p "$3/usr" && touch "$3/usr/module.so"\n')
    for program in programs.iterdir():
        program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "mood").write_text("well")
    return tmp_path


def calls(archive: Path) -> list[str]:
    path = archive / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_what_tests_with_cards_need_is_unpacked_once(dev: ModuleType, archive: Path) -> None:
    dev.cards()
    assert (archive / ".cache" / "cards" / "root" / "usr" / "module.so").exists()
    assert next(call for call in calls(archive) if " download " in call).endswith(
        "libneeded libsofthsm2 opensc-pkcs11 pcscd vsmartcard-vpcd xvfb"
    ), "what an installation would bring too"
    before = calls(archive)
    dev.cards()
    assert calls(archive) == before


def test_old_package_lists_are_made_anew_without_root(dev: ModuleType, archive: Path) -> None:
    (archive / "mood").write_text("old")
    dev.cards()
    assert (archive / ".cache" / "cards" / "root" / "usr" / "module.so").exists()
    assert any("Dir::State" in call and "update" in call for call in calls(archive))


def test_without_the_archive_the_reason_is_kept_and_ci_does_not_go_on(
    dev: ModuleType, archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (archive / "mood").write_text("offline")
    dev.cards()
    note = archive / ".cache" / "cards" / "left-out"
    assert "update" in note.read_text()
    assert "left out" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    with pytest.raises(dev.Failed):
        dev.cards()
    (archive / "mood").write_text("well")
    dev.cards()
    assert not note.exists()
    monkeypatch.delenv("CI")
    monkeypatch.setenv("PATH", "/nowhere")
    (archive / "stamps" / "cards").unlink()
    dev.cards()
    assert "Debian" in note.read_text()

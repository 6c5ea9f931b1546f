"""The agent is installed without the server: what each of its files may import."""

import ast
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "cardauth" / "agent"
OTHERS = {"pkcs11.py": {"PyKCS11"}, "pkcs11_card.py": {"PyKCS11"}, "demo_card.py": {"cryptography"}}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_the_agent_imports_the_standard_library_and_itself(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            root = name.split(".")[0]
            assert (
                root in sys.stdlib_module_names
                or f"{name}.".startswith("cardauth.agent.")
                or root in OTHERS.get(file.name, ())
            ), name


@pytest.mark.parametrize("file", ["pkcs11.py", "demo_card.py", "window.py", "terminal.py"])
def test_what_only_a_child_process_may_load_is_imported_by_nobody_at_the_top(file: str) -> None:
    module = f"cardauth.agent.{file.removesuffix('.py')}"
    for other in FOLDER.glob("*.py"):
        tops = ast.parse(other.read_text()).body
        assert not any(isinstance(node, ast.ImportFrom) and node.module == module for node in tops), (
            other.name
        )

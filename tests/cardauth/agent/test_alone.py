"""The agent without anything else: a copy of its folder, a Python that sees no installed package, and (for cards)
PyKCS11 alone.
"""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cardauth.agent import packages
from tests.cardauth.agent.certificates import make_certificate
from tests.cardauth.agent.process import ROOT
from tests.cardauth.agent.softhsm import SoftHsm


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    folder = tmp_path / "installed"
    shutil.copytree(
        ROOT / "cardauth" / "agent",
        folder / "cardauth" / "agent",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


def run(installed: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`-S`: no site-packages, here and in the processes that it starts."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "cardauth.agent", *arguments],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_starts_with_nothing_but_python(installed: Path) -> None:
    assert "--demo-card" in run(installed, "--help").stdout
    result = run(installed, "status")
    assert (result.returncode, "pip install 'qingling[agent]'" in result.stderr) == (1, True)


def test_it_reads_a_card_with_pykcs11_alone(installed: Path, tmp_path: Path) -> None:
    found = find_spec("PyKCS11")
    assert found and found.origin
    (installed / "PyKCS11").symlink_to(Path(found.origin).parent)
    key = ec.generate_private_key(ec.SECP256R1())
    hsm = SoftHsm(tmp_path / "hsm", packages.find("usr/lib/**/libsofthsm2.so"))
    hsm.make_card("法人卡", make_certificate("张三", key), key)
    result = run(installed, "status", **hsm.environment, QINGLING_AGENT_MODULES=str(hsm.module))
    assert (result.returncode, result.stdout) == (0, "卡已插好，可以使用。\n  法人卡（normal）\n")

"""A fresh clone in a folder of any name: `./dev run` installs everything and serves; then `./dev check` finds its tools."""

import subprocess
import sys

from tests.clone import Clone
from tests.conftest import make_quick_folder

INSTALL_TIMEOUT_S = 900


def test_everything_is_installed_and_served_in_a_folder_of_any_name() -> None:
    clone = Clone(make_quick_folder("qingling-clone-"), set_up=False)
    try:
        page, code = clone.run(timeout_s=INSTALL_TIMEOUT_S)
        assert "获取验证码" in page
        assert (code, "Traceback" in clone.log) == (0, False), clone.log[-4000:]
        tools = [sys.executable, "dev", "check"]
        checked = subprocess.run(tools, cwd=clone.folder, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout[-4000:] + checked.stderr[-4000:]
    finally:
        clone.remove()

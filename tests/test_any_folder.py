"""The project works wherever somebody puts it. From nothing, with everything installed anew: tests/soak/test_any_folder.py."""

import pytest

from tests.clone import ROOT, Clone
from tests.conftest import make_quick_folder


@pytest.mark.skipif(
    not (ROOT / ".cache" / "dev" / "pages").exists(), reason="./dev has not set this folder up"
)
def test_dev_run_serves_from_a_folder_of_any_name() -> None:
    """With quotes, blanks, a per cent sign and Chinese in it, in the C locale; the data beside it, as by default."""
    clone = Clone(make_quick_folder("qingling-clone-"), set_up=True)
    try:
        page, code = clone.run(120, QINGLING_DEMO="0")
        assert "获取验证码" in page
        assert (code, "Traceback" in clone.log) == (0, False), clone.log[-4000:]
        assert "dev: installing" not in clone.log, "what is set up is not set up again"
    finally:
        clone.remove()

"""What docs/sms.md shows works: its mapping file is read, and has every code that the program sends."""

import re
from pathlib import Path

from messages.codes import TEXTS
from sms.templates import read_templates
from sms.tencent_codes import MEANINGS

DOCS = (Path(__file__).parents[2] / "docs" / "sms.md").read_text()


def test_the_documented_mapping_has_every_code(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.+?)```", DOCS, re.DOTALL)
    path = tmp_path / "templates.yaml"
    path.write_text(text)
    templates = read_templates(path, "tencent")
    codes = {name for name in templates if name.startswith("code_")}
    assert codes == {f"code_{purpose}" for purpose in TEXTS}
    assert all(templates[name].parameters == ("code", "minutes") for name in codes)


def test_the_codes_it_names_are_in_the_table() -> None:
    named = set(re.findall(r"`((?:LimitExceeded|FailedOperation|InternalError)\.\w+)`", DOCS))
    assert len(named) >= 4
    assert named <= MEANINGS.keys()
    assert f"all {len(MEANINGS)} codes" in DOCS

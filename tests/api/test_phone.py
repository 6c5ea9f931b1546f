"""Which pages have a phone version, and that links on these lead there."""

import re
from pathlib import Path

from api.phone import find_phone

TEMPLATES = Path(__file__).parents[2] / "api" / "templates"


def test_what_is_for_the_desk_only_has_no_phone_version_though_an_id_would_fit_there() -> None:
    assert find_phone("/issues/export?q=1") == "/issues/export?q=1"
    assert find_phone("/issues/01a21268-20cd-7c81-9a9f-909bc46c653d").startswith("/w/issues/")


def test_links_on_phone_pages_lead_to_phone_pages_where_there_are_such() -> None:
    strays: set[str] = set()
    for template in (TEMPLATES / "w").rglob("*.html"):
        for address in re.findall(r'(?:href|action)="(/[^"{]*)', template.read_text()):
            if not address.startswith("/w") and find_phone(address) != address:
                strays.add(f"{template.name}: {address}")
    assert strays == set()

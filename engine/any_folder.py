"""The library in a folder of any name. An XML schema names its parts by URI, but the library gives its validator the path of one,
when it is imported; and `/home/me/100%/…` is no URI. To be imported before `SpiffWorkflow.spiff.parser`.
"""

from pathlib import Path
from typing import Any

from SpiffWorkflow.bpmn.parser import BpmnValidator


def _load_validator() -> Any:
    given = BpmnValidator.__init__

    def name_by_uri(self: Any, *paths: Any, imports: dict[str, str] | None = None, **named: Any) -> None:
        uris = {namespace: Path(path).as_uri() for namespace, path in (imports or {}).items()}
        given(self, *paths, imports=uris or None, **named)

    BpmnValidator.__init__ = name_by_uri
    try:
        from SpiffWorkflow.spiff.parser import VALIDATOR  # built here
    finally:
        BpmnValidator.__init__ = given
    return VALIDATOR


VALIDATOR = _load_validator()
"""What holds a diagram against the standard's schema, and the library's."""

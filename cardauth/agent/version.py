"""Which version this is."""

from importlib.metadata import PackageNotFoundError, version


def read_version() -> str:
    """The installed one; `development` in a source tree."""
    try:
        return version("qingling")
    except PackageNotFoundError:
        return "development"


VERSION = read_version()

"""The pages of system and security administrators. Their commands and rules are those of `domain` and `tasks.administration`;
who may open a page is declared on each route."""

from api.pages.administration import (
    cards,
    enterprises,
    holidays,
    incidents,
    lists,
    messages,
    officer_sheet,
    officers,
    offices,
    roles,
    running,
    sessions,
    sheets,
    sign_ins,
)
from api.routing import join

__all__ = ["router"]

# Fixed addresses before those with a code in the same place.
PARTS = (
    sheets,
    officer_sheet,
    offices,
    officers,
    lists,
    holidays,
    messages,
    running,
    incidents,
    roles,
    sign_ins,
    sessions,
    enterprises,
    cards,
)
router = join(part.router for part in PARTS)

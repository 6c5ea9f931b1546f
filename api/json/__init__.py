"""The JSON contract of `/api/v1`: one module a noun. `router` is all of it but what only a demo has."""

from api.json import (
    attachments,
    cards,
    issues,
    lists,
    members,
    notices,
    phones,
    registrations,
    sign_in,
    tasks,
)
from api.routing import join

# Routes are tried one after the other: the busiest first.
PARTS = (tasks, issues, sign_in, lists, attachments, members, phones, cards, registrations, notices)
router = join(part.router for part in PARTS)

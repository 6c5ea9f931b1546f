"""The JSON contract of `/api/v1`: one module a noun. `router` is all of it but what only a demo has."""

from fastapi import APIRouter

from api.json import attachments, cards, issues, lists, members, phones, registrations, sign_in, tasks

router = APIRouter()
# Routes are tried one after the other: the busiest first.
for module in (tasks, issues, sign_in, lists, attachments, members, phones, cards, registrations):
    router.include_router(module.router)

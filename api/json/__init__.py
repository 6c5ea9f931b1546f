"""The JSON contract of `/api/v1`: one module a noun. `router` is all of it but what only a demo has."""

from fastapi import APIRouter

from api.json import attachments, issues, lists, sign_in, tasks

router = APIRouter()
for module in (sign_in, lists, issues, tasks, attachments):
    router.include_router(module.router)

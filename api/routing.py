"""Routers whose routes the application takes over as they are.

`include_router` would work every route out anew, in the time of the first requests: a second for all of them. So what it would
add (the check for forged requests) is added where a router is made.
"""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Depends

from api.security import check_csrf


def make_router(**options: Any) -> APIRouter:
    """A router whose every route refuses forged requests; `options` are APIRouter's."""
    return APIRouter(dependencies=[Depends(check_csrf)], **options)


def join(routers: Iterable[APIRouter]) -> APIRouter:
    """The routes of all of them; the first that fits a request answers it."""
    whole = APIRouter()
    for router in routers:
        whole.routes.extend(router.routes)
    return whole

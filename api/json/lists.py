"""The lists to choose from."""

from collections.abc import Iterable
from uuid import UUID

from starlette.responses import Response

from api.answers import Json
from api.deps import ActorDep, SessionDep, allow
from api.json.route import json_router
from api.json.schemas.lists import CodeName, IdName, Lists
from domain.lists import Choice, list_all_choices

router = json_router("名单")


@router.get(
    "/lists",
    response_model=Lists,
    summary="问题类型、业务类别、重要性、海关单位、本企业高管",
    dependencies=[allow()],
)
async def show_lists(actor: ActorDep, session: SessionDep) -> Response:
    """Codes are sent, names are shown; executives are named by their person's id."""
    lists = await list_all_choices(session, actor)
    return Json(
        Lists(
            kinds=_show(lists["kinds"]),
            categories=_show(lists["categories"]),
            importances=_show(lists["importances"]),
            offices=_show(lists["offices"]),
            executives=[IdName(id=UUID(one.code), name=one.name) for one in lists["executives"]],
        )
    )


def _show(choices: Iterable[Choice]) -> list[CodeName]:
    return [CodeName(code=one.code, name=one.name) for one in choices]

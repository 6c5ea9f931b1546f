"""What an SMS provider calls back about messages it took: known by the secret at the end of its own address, and taken at once. A
report that comes twice changes nothing."""

import structlog
from fastapi import Request
from starlette.responses import Response

from api.bodies import read_at_most
from api.deps import NowDep, WiredDep
from api.routing import make_router
from messages.jobs import take_reports
from sms.callbacks import ACKNOWLEDGEMENTS, MAX_BYTES, read_callback
from sms.exceptions import CallbackUnreadable

log = structlog.get_logger(__name__)
router = make_router(include_in_schema=False)

ADDRESS = "/sms/reports/{provider}/{token}"


@router.post(ADDRESS)
async def take(request: Request, wired: WiredDep, now: NowDep, provider: str, token: str) -> Response:
    """All reports of one call, or none of them. Whoever does not know the address is told that nothing is here."""
    body = await read_at_most(request, MAX_BYTES)
    if body is None:
        raise CallbackUnreadable("size")
    reports = read_callback(wired.settings.pepper, provider, token, body, now)
    async with wired.sessions.begin() as session:
        await take_reports(session, reports, now)
    log.info("sms.reports", provider=provider, count=len(reports))
    return Response(ACKNOWLEDGEMENTS[provider], media_type="application/json")

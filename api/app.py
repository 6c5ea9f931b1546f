"""The web application: routes, layers around them, and how errors are told. Built from parts that somebody else owns."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api import health, sms_reports, wechat_pushes
from api.answers import problem_schema
from api.errors import add_error_handlers
from api.json import dev
from api.json import router as json_router
from api.leaving import EndWhenGone
from api.logs import RequestLog
from api.routing import join
from api.security import Guard
from api.wired import Wired

STATIC = Path(__file__).parent / "static"
DESCRIPTION = "企业提出问题，海关逐一答复，件件清零。错误一律为 RFC 9457 problem+json；时间为带时区的 ISO 8601；编号不透明。"


class Documented(FastAPI):
    """FastAPI, whose OpenAPI holds what api.json.route refers to."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if not self.openapi_schema:
            schema = super().openapi()
            schemas = schema["components"]["schemas"]
            schemas["Problem"] = problem_schema()
            # FastAPI's own words for mistakes, which api.errors tells as problems; at other routes there are none to make.
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for operation in (one for path in schema["paths"].values() for one in path.values()):
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
        return super().openapi()


def create_app(wired: Wired) -> FastAPI:
    """The application of one process. The caller has opened `wired` and closes it."""
    app = Documented(
        title="企业问题清零",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.wired = wired
    routes = app.router.routes
    routes.extend(json_router.routes)  # first: they are tried one after the other
    routes.extend(health.router.routes)
    routes.extend(wechat_pushes.router.routes)
    routes.extend(sms_reports.router.routes)
    if wired.settings.demo:
        routes.extend(join([dev.router, dev.plain_router]).routes)
    _add_pages(app)
    app.mount("/static", CachedFiles(directory=STATIC, check_dir=False), name="static")
    add_error_handlers(app)
    app.add_middleware(EndWhenGone)
    app.add_middleware(Guard, settings=wired.settings)
    app.add_middleware(RequestLog)
    return app


def _add_pages(app: FastAPI) -> None:
    """The pages, where they are installed; a server for programs only needs none."""
    if find_spec("api.pages") is None:
        return
    pages = import_module("api.pages")
    if hasattr(pages, "router"):
        app.router.routes.extend(pages.router.routes)
        app.state.error_page = import_module("api.pages.error_page").error_page


class CachedFiles(StaticFiles):
    """Bundled files carry a hash in their names and are kept for ever; the others are asked for again each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        lasting = path.startswith("dist/") and not path.endswith("manifest.json")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return response

"""The page of the OpenAPI document: Swagger UI out of the installed package, served from here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from server.api.caller import NEEDS, caller_of
from server.api.endpoint import service_of
from server.api.problems import AnyRequest
from server.api.schema.current import bare_document, current_document

OWN = Path(__file__).parent
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
"""The browser loads nothing from elsewhere, even if a script asked for it."""

_ANYBODY = {NEEDS: {"GET": None}}
"""The page says nothing of this service, so that a browser can show it before it has a key."""

_OWN_FILES = {"start.js": "text/javascript"}
_PACKAGE_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


def package_folder() -> Path:
    """Where the installed package keeps Swagger UI. Raises ``ModuleNotFoundError``."""
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the package swagger-ui-py is not installed", name="swagger_ui")
    return Path(found.origin).parent / "static"


@get(
    "/schema/openapi.json",
    media_type="application/vnd.oai.openapi+json",
    include_in_schema=False,
    opt=_ANYBODY,
)
async def openapi_json(request: AnyRequest) -> Response[bytes]:
    """The document, with the names that exist now; without them where a key is needed and none was sent."""
    known = caller_of(request) is not None
    content = await current_document(service_of(request)) if known else bare_document()
    return Response(content, media_type="application/vnd.oai.openapi+json")


@get("/", include_in_schema=False, sync_to_thread=False, opt=_ANYBODY)
def home() -> Redirect:
    """A person who opens the bare address finds the page."""
    return Redirect("/schema")


@get("/schema", include_in_schema=False, sync_to_thread=False, opt=_ANYBODY)
def page() -> Response[bytes]:
    """The page itself; everything it needs comes from ``/schema/assets``."""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response((OWN / "page.html").read_bytes(), media_type=MediaType.HTML, headers=headers)


@get("/schema/assets/{name:str}", include_in_schema=False, sync_to_thread=True, opt=_ANYBODY)
def asset(name: FromPath[str]) -> Response[bytes]:
    """One of the few files of the page."""
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    if name in _OWN_FILES:
        return Response((OWN / name).read_bytes(), media_type=_OWN_FILES[name], headers=headers)
    if name in _PACKAGE_FILES:
        content = (package_folder() / name).read_bytes()
        return Response(content, media_type=_PACKAGE_FILES[name], headers=headers)
    raise NotFoundException


HANDLERS = (home, openapi_json, page, asset)

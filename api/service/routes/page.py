"""Static files, which need no token: the outlet's page, and the OpenAPI description.

The page gets its data from `/v1/labels`. The headers forbid inline scripts and every other origin. The PDF and the
previews are blobs that the page makes from answers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

FILES = {
    "/outlet": ("page.html", "text/html"),
    "/outlet/page.css": ("page.css", "text/css"),
    "/outlet/page.js": ("page.js", "text/javascript"),
    "/outlet/view.js": ("view.js", "text/javascript"),
    "/outlet/batch.js": ("batch.js", "text/javascript"),
    "/outlet/device.js": ("device.js", "text/javascript"),
    "/outlet/shelf.js": ("shelf.js", "text/javascript"),
    "/outlet/desk.js": ("desk.js", "text/javascript"),
    "/outlet/scanner.js": ("scanner.js", "text/javascript"),
    "/outlet/service.js": ("service.js", "text/javascript"),
    "/outlet/words.js": ("words.js", "text/javascript"),
    "/outlet/meanings.js": ("meanings.js", "text/javascript"),
    "/openapi.json": (
        "../../openapi.json",
        "application/json",
    ),  # a file, because generating it takes 6 ms and it needs no token
}
"""The file and the media type of each address."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src blob: data:; "
        "frame-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}

_FOLDER = Path(__file__).parents[1] / "outlet"

router = APIRouter(include_in_schema=False)


async def page(request: Request) -> Response:
    """Serve one of the files."""
    name, kind = FILES[request.url.path]
    return Response(_read(name), media_type=kind, headers=HEADERS)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


for _path in FILES:
    router.add_api_route(_path, page, methods=["GET", "HEAD"])

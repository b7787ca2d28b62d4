"""Files of this package, for any caller: the outlet's page, and the description for machines.

What the page shows comes by `/v1/labels`. Nothing in it comes from elsewhere, and the browser is told to let nothing else
in: no inline script, no other origin. The PDF and the previews are blobs, made in the page from answers.
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
    "/openapi.json": (
        "../../openapi.json",
        "application/json",
    ),  # kept: to make it anew takes 6 ms, and anybody may ask
}
"""Where each file is served, and as what."""

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
    """One of the files."""
    name, kind = FILES[request.url.path]
    return Response(_read(name), media_type=kind, headers=HEADERS)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


for _path in FILES:
    router.add_api_route(_path, page, methods=["GET", "HEAD"])

"""Static files of the page."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath

from aiohttp import web

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
INDEX = "index.html"

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Pages:
    """Serves the files of the page from memory; no other path is accessible."""

    def __init__(self) -> None:
        folder = resources.files("livekit.server.console") / "page"
        self._files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def response(self, name: str) -> web.Response:
        """Return the response with a file. Raises HTTPNotFound."""
        content = self._files.get(name)
        kind = _TYPES.get(PurePosixPath(name).suffix)
        if content is None or kind is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=HEADERS)

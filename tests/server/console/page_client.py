"""An open console page without a browser: its event stream and its actions."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import aiohttp

from livekit.server import DevServer
from livekit.server.console.routes import KEY_HEADER
from tests.server.client import PATIENCE, http_url

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Page:
    """An open page."""

    def __init__(self, http: aiohttp.ClientSession, server: DevServer, response: aiohttp.ClientResponse) -> None:
        self.key = ""
        self._http = http
        self._server = server
        self._response = response

    async def next(self) -> tuple[str, Any]:
        """Return name and data of the next event. Raises EOFError at the end."""
        name, data = "", ""
        while True:
            line = (await asyncio.wait_for(self._response.content.readline(), PATIENCE)).decode()
            if not line:
                raise EOFError
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif name:
                return name, json.loads(data)

    async def until(self, name: str, **wanted: object) -> dict[str, Any]:
        """Return the next event of this name, or the entry of its list, that has the wanted fields."""
        while True:
            kind, data = await self.next()
            entries = cast("list[dict[str, Any]]", data if isinstance(data, list) else [data])
            for entry in entries:
                if kind == name and wanted.items() <= entry.items():
                    return entry

    async def act(self, action: str, **body: object) -> dict[str, Any]:
        """Request an action, as the forms do."""
        async with self.post(action, json=body) as response:
            return cast("dict[str, Any]", await response.json())

    def post(self, action: str, **options: Any) -> Any:
        headers = {KEY_HEADER: self.key, **options.pop("headers", {})}
        return self._http.post(http_url(self._server, f"/console/{action}"), headers=headers, **options)


@contextlib.asynccontextmanager
async def open_page(server: DevServer) -> AsyncGenerator[Page]:
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22) as http,
        http.get(http_url(server, "/console/feed")) as response,
    ):
        assert response.status == 200
        page = Page(http, server, response)
        page.key = (await page.until("hello"))["key"]
        yield page

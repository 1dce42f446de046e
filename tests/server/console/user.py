"""A user of a browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

from livekit.server import DevServer
from tests.interop.harness import PeerProgram
from tests.interop.matrix import JS, browser_command

PROGRAM = Path(__file__).with_name("user.mjs")

DESKTOP = (1280, 800)
PHONE = (360, 740)
TABLET = (768, 1024)
PATIENCE = 90.0
"""Seconds for one action; the browser's own timeout is shorter."""


class User:
    """A user's actions and observations; selectors are Playwright's, and each waits for its element."""

    def __init__(self, browser: PeerProgram) -> None:
        self._browser = browser

    async def visit(self, server: DevServer, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
        """Open the console in a new window."""
        width, height = size
        await self._ask("open", url=server.console_url, width=width, height=height, dark=dark)

    async def click(self, selector: str) -> None:
        await self._do(selector, "click")

    async def fill(self, selector: str, text: str) -> None:
        await self._do(selector, "fill", text)

    async def choose(self, selector: str, option: str) -> None:
        await self._do(selector, "selectOption", option)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._ask("press", key=key)

    async def type(self, text: str) -> None:
        await self._ask("type", text=text)

    async def text(self, selector: str) -> str:
        return cast(str, await self._do(selector, "innerText"))

    async def sees(self, selector: str) -> None:
        """Wait until the element is visible."""
        await self._do(selector, "waitFor")

    async def sees_no_more(self, selector: str) -> None:
        await self._do(selector, "waitFor", {"state": "hidden"})

    async def count(self, selector: str) -> int:
        """Return the current number of matching elements."""
        return cast(int, await self._do(selector, "count"))

    async def clipboard(self) -> str:
        return cast(str, await self._ask("clipboard"))

    async def run(self, program: str) -> str:
        """Run a program in another window and return its first output."""
        return cast(str, await self._ask("run", program=program))

    async def evaluate(self, script: str) -> Any:
        return await self._do("", "evaluate", script)

    async def picture(self, path: Path) -> None:
        await self._ask("picture", path=str(path))

    async def problems(self) -> list[str]:
        """Return the browser's warnings and errors, including policy violations."""
        return cast("list[str]", (await self._ask("seen"))["problems"])

    async def origins(self) -> list[str]:
        """Return the origins of all requests."""
        return cast("list[str]", (await self._ask("seen"))["origins"])

    async def _ask(self, do: str, **given: object) -> Any:
        _, reply = self._browser.send(do, **given)
        return await asyncio.wait_for(reply, PATIENCE)

    async def _do(self, selector: str, call: str, *given: object) -> Any:
        return await self._ask("do", selector=selector, call=call, given=given)


@contextlib.asynccontextmanager
async def open_browser() -> AsyncGenerator[User]:
    node, _, chromium = browser_command()
    running = PeerProgram.run(node, str(PROGRAM), chromium, str(JS), environment=os.environ)
    async with running as browser:
        yield User(browser)

"""The embedded server in its own thread, for tests that manage their own event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar

from typing_extensions import Self

from livekit.server import DevServer, RoomSettings
from livekit.server.token_source import TokenSource

__all__ = ["ServerThread"]

T = TypeVar("T")


class ServerThread(TokenSource):
    """A `livekit.server.DevServer` on a free port of 127.0.0.1, running while the context is active.

    Args:
        room_settings: settings of rooms. By default a room ends as soon as its last participant has left, not after the
            departure timeout, so that tests with rooms of the same name are independent.
    """

    def __init__(self, *, room_settings: RoomSettings = RoomSettings(departure_timeout=0)) -> None:  # noqa: B008
        self._server = DevServer(port=0, room_settings=room_settings)
        self._thread = threading.Thread(target=self._run, name="livekit test server", daemon=True)
        self._started: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def api_key(self) -> str:
        return self._server.api_key

    @property
    def api_secret(self) -> str:
        return self._server.api_secret

    def call(self, action: Callable[[DevServer], T]) -> T:
        """Run `action` on the server's event loop and return its result; blocks this thread."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(action(self._server))
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    def __enter__(self) -> Self:
        """Start the server. Raises ServerStartError."""
        self._thread.start()
        self._started.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._server:
            self._started.set_result(None)
            await self._stop.wait()

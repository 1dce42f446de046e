"""Derivation of ratcheted keys in a thread: PBKDF2 would stop the event loop for 20 ms per key."""

from __future__ import annotations

import asyncio

from .keys import Key

__all__ = ["BackgroundDerivation"]


class BackgroundDerivation:
    """Derives one key at a time in the event loop's executor. At most one derivation outlives the room, for 20 ms."""

    def __init__(self) -> None:
        self._running: asyncio.Future[Key] | None = None

    def successor(self, key: Key) -> Key | None:
        """Return the next key of the ratchet; or None, and derive it, if that was not done before."""
        following = key.derived_successor()
        if following is None and (self._running is None or self._running.done()):
            self._running = asyncio.get_running_loop().run_in_executor(None, key.derive_successor)
        return following

"""The link in use, and how the next one takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._util.aio import finish
from livekit.options import RoomOptions
from livekit.protocol import models, rtc

from .access import Access
from .intake import Intake
from .link import Link, LinkOwner, SignalOpener
from .packets import PacketPipe
from .reconnect import Attempt, Event
from .transport import PeerFactory

__all__ = ["Links", "Trouble"]

Trouble = Callable[[Event, str, models.DisconnectReason], None]


class Links:
    """Joins and resumes. A link stays until the server has admitted the next: whoever calls us in between finds
    somebody there, and what is on its way still arrives."""

    def __init__(
        self,
        access: Access,
        options: RoomOptions,
        make_peer: PeerFactory,
        open_signal: SignalOpener,
        *,
        pipe: PacketPipe,
        signal: Callable[[rtc.SignalResponse], None],
        trouble: Trouble,
    ) -> None:
        self.current: Link | None = None
        self.progress = ""
        """What is being waited for."""
        self._access = access
        self._options = options
        self._make_peer = make_peer
        self._open_signal = open_signal
        self._pipe = pipe
        self._signal = signal
        self._trouble = trouble
        self._older: Link | None = None
        self._intake: Intake | None = None

    @property
    def admitted(self) -> bool:
        """Whether the server was reached in the last attempt, and answered."""
        return self.current is not None and self.current.admitted

    async def join(self, attempt: Attempt) -> Link:
        """A new link. Raises ConnectError, asyncio.TimeoutError."""
        older = self._older = self._older or self.current
        last_sid = older.sid if older is not None and older.may_be_continued else ""
        self._pipe.detach()
        link = self.current = self._make_link()
        try:
            await link.enter(self._access.token, attempt.limits, last_sid)
        except Exception:
            await link.close(leave=False)
            raise
        await self._replaced()
        await link.wait_ready(attempt.limits)
        return link

    async def resume(self, attempt: Attempt) -> int:
        """The link on a new signal connection; returns the number of the last packet that the server has. Raises as
        `join` does."""
        assert self.current is not None, "what is resumed was joined"
        return await self.current.resume(self._access.token, attempt)

    def let_in(self) -> None:
        """The room knows that we joined: hand it what came since."""
        if self._intake is not None:
            self._intake.open()

    async def close(self, *, leave: bool) -> None:
        links = [link for link in (self._older, self.current) if link is not None]
        self._older = self.current = None
        await asyncio.gather(*(link.close(leave=leave) for link in links))

    def _make_link(self) -> Link:
        intake = self._intake = Intake(self._signal, self._pipe.receive)

        def signal(message: rtc.SignalResponse) -> None:
            self._access.token_refreshed(message.refresh_token or message.room_moved.token)
            self._access.servers_named(region.url for region in message.leave.regions.regions)
            intake.signal(message)

        def trouble(event: Event, text: str, reason: models.DisconnectReason) -> None:
            if link is self.current:
                self._trouble(event, text, reason)

        owner = LinkOwner(
            receive=intake.receive,
            signal=signal,
            trouble=trouble,
            progress=self._set_progress,
            received=self._pipe.receive_states,
        )
        link = Link(self._access.server, self._options, self._make_peer, owner, self._open_signal)
        return link

    async def _replaced(self) -> None:
        older, self._older = self._older, None
        if older is not None:
            await finish(older.close(leave=False))

    def _set_progress(self, progress: str) -> None:
        self.progress = progress

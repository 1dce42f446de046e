"""The session in use, and how the next one takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._util.aio import finish
from livekit.options import RoomOptions
from livekit.protocol import models, rtc

from .connection_state import Attempt, Event
from .join_buffer import JoinBuffer
from .packet_channel import PacketChannel
from .region_urls import RegionUrls
from .rtc_session import RtcSession, SessionCallbacks, SignalOpener
from .transport_manager import PeerFactory

__all__ = ["SessionManager", "Trouble"]

Trouble = Callable[[Event, str, models.DisconnectReason], None]


class SessionManager:
    """Joins and resumes. A session stays until the server has admitted the next: whoever calls us in between finds
    somebody there, and what is on its way still arrives."""

    def __init__(
        self,
        urls: RegionUrls,
        options: RoomOptions,
        make_peer: PeerFactory,
        open_signal: SignalOpener,
        *,
        packets: PacketChannel,
        signal: Callable[[rtc.SignalResponse], None],
        trouble: Trouble,
    ) -> None:
        self.current: RtcSession | None = None
        self.progress = ""
        """What is being waited for."""
        self._urls = urls
        self._options = options
        self._make_peer = make_peer
        self._open_signal = open_signal
        self._packets = packets
        self._signal = signal
        self._trouble = trouble
        self._older: RtcSession | None = None
        self._join_buffer: JoinBuffer | None = None

    @property
    def admitted(self) -> bool:
        """Whether the server was reached in the last attempt, and answered."""
        return self.current is not None and self.current.admitted

    async def join(self, attempt: Attempt) -> RtcSession:
        """A new session. Raises ConnectError, asyncio.TimeoutError."""
        older = self._older = self._older or self.current
        last_sid = older.sid if older is not None and older.may_be_continued else ""
        self._packets.detach()
        session = self.current = self._make_session()
        try:
            await session.enter(self._urls.token, attempt.limits, last_sid)
        except Exception:
            await session.close(leave=False)
            raise
        await self._replaced()
        await session.wait_ready(attempt.limits)
        return session

    async def resume(self, attempt: Attempt) -> int:
        """The session on a new signal connection; returns the number of the last packet that the server has. Raises as
        `join` does."""
        assert self.current is not None, "what is resumed was joined"
        return await self.current.resume(self._urls.token, attempt)

    def release(self) -> None:
        """The room knows that we joined: hand it what came since."""
        if self._join_buffer is not None:
            self._join_buffer.open()

    async def close(self, *, leave: bool) -> None:
        sessions = [session for session in (self._older, self.current) if session is not None]
        self._older = self.current = None
        await asyncio.gather(*(session.close(leave=leave) for session in sessions))

    def _make_session(self) -> RtcSession:
        join_buffer = self._join_buffer = JoinBuffer(self._signal, self._packets.receive)

        def signal(message: rtc.SignalResponse) -> None:
            self._urls.token_refreshed(message.refresh_token or message.room_moved.token)
            self._urls.servers_named(region.url for region in message.leave.regions.regions)
            join_buffer.signal(message)

        def trouble(event: Event, text: str, reason: models.DisconnectReason) -> None:
            if session is self.current:
                self._trouble(event, text, reason)

        owner = SessionCallbacks(
            receive=join_buffer.receive,
            signal=signal,
            trouble=trouble,
            progress=self._set_progress,
            received=self._packets.receive_states,
        )
        session = RtcSession(self._urls.server, self._options, self._make_peer, owner, self._open_signal)
        return session

    async def _replaced(self) -> None:
        older, self._older = self._older, None
        if older is not None:
            await finish(older.close(leave=False))

    def _set_progress(self, progress: str) -> None:
        self.progress = progress

"""The session in use and its successor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._util.aio import finish
from livekit.options import RoomOptions
from livekit.protocol import models, rtc

from .connection_state import Attempt, ConnectionEvent
from .interfaces import MediaHooks
from .join_buffer import JoinBuffer
from .packet_channel import PacketChannel
from .region_urls import RegionUrls
from .rtc_session import EventHandler, RtcSession, SessionCallbacks
from .signal_client import SignalOpener
from .transport_manager import PeerFactory

__all__ = ["SessionManager"]


class SessionManager:
    """Joins and resumes. A session is kept until the server has admitted its successor: meanwhile, callers still find
    the participant in the room, and packets in flight still arrive."""

    def __init__(
        self,
        urls: RegionUrls,
        options: RoomOptions,
        make_peer: PeerFactory,
        open_signal: SignalOpener,
        *,
        packets: PacketChannel,
        media_hooks: MediaHooks,
        on_signal: Callable[[rtc.SignalResponse], None],
        on_event: EventHandler,
    ) -> None:
        self.current: RtcSession | None = None
        self.progress = ""
        """The step that connecting has reached, such as "restarting ICE"."""
        self._urls = urls
        self._options = options
        self._make_peer = make_peer
        self._open_signal = open_signal
        self._packets = packets
        self._media_hooks = media_hooks
        self._on_signal = on_signal
        self._on_event = on_event
        self._previous: RtcSession | None = None
        self._closing: list[RtcSession] = []
        self._join_buffer: JoinBuffer | None = None

    @property
    def is_admitted(self) -> bool:
        """True if the server was reached in the last attempt, and answered."""
        return self.current is not None and self.current.is_admitted

    async def join(self, attempt: Attempt) -> RtcSession:
        """Join with a new session. Raises ConnectError, asyncio.TimeoutError."""
        previous = self._previous = self._previous or self.current
        last_sid = previous.sid if previous is not None and previous.can_be_continued else ""
        self._packets.detach()
        session = self.current = self._make_session()
        try:
            await session.join(self._urls.token, attempt.timeouts, last_sid)
        except Exception:
            await session.close(leave=False)
            raise
        await self._close_previous()
        await session.wait_ready(attempt.timeouts)
        return session

    async def resume(self, attempt: Attempt) -> int:
        """Resume the session with a new signal connection. Raises as `join` does.

        Returns:
            The number of the last reliable packet that the server has.
        """
        assert self.current is not None, "joined before"
        return await self.current.resume(self._urls.token, attempt)

    def ping(self, on_pong: Callable[[], None]) -> None:
        """Ping the server over the signal connection; `on_pong` is called if it answers."""
        if self.current is not None:
            self.current.ping(on_pong)

    def release_received(self) -> None:
        """Deliver the messages that the new session has buffered: the room has processed the join."""
        if self._join_buffer is not None:
            self._join_buffer.release()

    async def close(self, *, leave: bool) -> None:
        """Close all sessions. `leave`: send a leave request, as the participant will not return.

        May be called again if it was cancelled, as other methods named close here."""
        self._closing += [session for session in (self._previous, self.current) if session is not None]
        self._previous = self.current = None
        await asyncio.gather(*(session.close(leave=leave) for session in self._closing))
        self._closing.clear()

    def _make_session(self) -> RtcSession:
        join_buffer = self._join_buffer = JoinBuffer(self._on_signal, self._packets.receive)

        def on_signal(message: rtc.SignalResponse) -> None:
            self._urls.refresh_token(message.refresh_token or message.room_moved.token)
            self._urls.update_regions(region.url for region in message.leave.regions.regions)
            join_buffer.receive_signal(message)

        def on_event(event: ConnectionEvent, text: str, reason: models.DisconnectReason) -> None:
            if session is self.current or (session is self._previous and _ends_participation(event, reason)):
                self._on_event(event, text, reason)

        callbacks = SessionCallbacks(
            on_data=join_buffer.receive_data,
            on_signal=on_signal,
            on_event=on_event,
            on_progress=self._set_progress,
            receive_states=self._packets.receive_states,
            media_hooks=self._media_hooks,
        )
        session = RtcSession(self._urls.server, self._options, self._make_peer, callbacks, self._open_signal)
        return session

    async def _close_previous(self) -> None:
        previous, self._previous = self._previous, None
        if previous is not None:
            await finish(previous.close(leave=False))

    def _set_progress(self, progress: str) -> None:
        self.progress = progress


def _ends_participation(event: ConnectionEvent, reason: models.DisconnectReason) -> bool:
    """Return True for a leave that is not merely the result of our own next session, which replaces this one."""
    return event is ConnectionEvent.LEAVE_DISCONNECT and reason != models.DisconnectReason.DUPLICATE_IDENTITY

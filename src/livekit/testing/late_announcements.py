"""Delayed announcements, as a LiveKit server makes them for participants that publish no media."""

from __future__ import annotations

import asyncio

from livekit.protocol import models, rtc

from .memory_socket import MemorySocket

__all__ = ["ANNOUNCE_INTERVAL", "LateAnnouncements"]

ANNOUNCE_INTERVAL = 3.0
"""Seconds between two announcements of participants that joined, became ACTIVE or left."""


class LateAnnouncements:
    """Holds back announcements of state changes until the next tick."""

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, socket: MemorySocket, identity: str) -> None:
        """Filter everything sent to `identity` over the server's end of a signal connection."""
        listener = _Listener(socket, identity)
        self._listeners = [known for known in self._listeners if not known.socket.closed]
        self._listeners.append(listener)
        socket.filter = lambda data: self._pass(listener, data)

    def close(self) -> None:
        """Drop the announcements held back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass(self, listener: _Listener, data: bytes) -> bytes | None:
        passed = listener.filter(rtc.SignalResponse.FromString(data))
        if listener.held and self._timer is None:
            loop = asyncio.get_running_loop()
            until_tick = ANNOUNCE_INTERVAL - loop.time() % ANNOUNCE_INTERVAL
            self._timer = loop.call_later(until_tick, self._tick)
        return None if passed is None else passed.SerializeToString()

    def _tick(self) -> None:
        self._timer = None
        for listener in self._listeners:
            listener.send_held()


class _Listener:
    """A participant that receives announcements, and the states of other participants as announced to it."""

    def __init__(self, socket: MemorySocket, identity: str) -> None:
        self.socket = socket
        self.held: dict[str, models.ParticipantInfo] = {}
        """Announcements held back, by identity."""
        self._announced: dict[str, models.ParticipantInfo] = {}
        self._identity = identity
        self._resumed = False

    def filter(self, message: rtc.SignalResponse) -> rtc.SignalResponse | None:
        """Return the part of a message to send immediately: everything about the participant itself, and updates
        of other participants that do not change their state."""
        kind = message.WhichOneof("message")
        if kind == "join":
            message.join.server_info.debug_info = ""
            self._announced = {info.identity: info for info in message.join.other_participants}
        elif kind == "reconnect":
            message.reconnect.server_info.debug_info = ""
            self._resumed = True
        elif kind == "update" and self._resumed:
            self._resumed = False
            self._announced = {info.identity: info for info in message.update.participants}
        elif kind == "update":
            immediate = [info for info in message.update.participants if self._is_sent_immediately(info)]
            if not immediate:
                return None
            return rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=immediate))
        return message

    def send_held(self) -> None:
        """Send the announcements held back."""
        held, self.held = self.held, {}
        if held:
            self._announced.update(held)
            update = rtc.ParticipantUpdate(participants=held.values())
            self.socket.send_now(rtc.SignalResponse(update=update).SerializeToString())

    def _is_sent_immediately(self, info: models.ParticipantInfo) -> bool:
        if info.identity == self._identity:
            return True
        announced = self._announced.get(info.identity)
        if announced is not None and announced.sid == info.sid and announced.state == info.state:
            self._announced[info.identity] = info
            return True
        self.held[info.identity] = info
        return False

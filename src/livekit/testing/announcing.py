"""A server that announces late: what a LiveKit server does with participants that publish no media."""

from __future__ import annotations

import asyncio

from livekit.protocol import models, rtc

from .memory_socket import MemorySocket

__all__ = ["ANNOUNCE_INTERVAL", "LateAnnouncements"]

ANNOUNCE_INTERVAL = 3.0
"""Seconds between two announcements of who joined, became ACTIVE or left."""


class LateAnnouncements:
    """Keeps changes of state back until the next tick; changes of permission, name and so on go at once."""

    def __init__(self) -> None:
        self._kept: dict[MemorySocket, dict[str, models.ParticipantInfo]] = {}
        self._told: dict[MemorySocket, dict[str, models.ParticipantInfo]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, socket: MemorySocket) -> None:
        """Have everything that is sent over the server's end of a signal connection pass here."""
        self._told[socket] = {}
        socket.filter = lambda data: self._pass(socket, data)

    def _pass(self, socket: MemorySocket, data: bytes) -> bytes | None:
        message = rtc.SignalResponse.FromString(data)
        kind = message.WhichOneof("message")
        if kind == "join":
            message.join.server_info.debug_info = ""
            for info in (message.join.participant, *message.join.other_participants):
                self._told[socket][info.identity] = info
        elif kind == "reconnect":
            message.reconnect.server_info.debug_info = ""
        elif kind == "update":
            at_once = [info for info in message.update.participants if not self._keep(socket, info)]
            if not at_once:
                return None
            message.update.CopyFrom(rtc.ParticipantUpdate(participants=at_once))
        return message.SerializeToString()

    def _keep(self, socket: MemorySocket, info: models.ParticipantInfo) -> bool:
        """Whether to tell it later."""
        told = self._told[socket].get(info.identity)
        if told is not None and told.sid == info.sid and told.state == info.state:
            self._told[socket][info.identity] = info
            return False
        self._kept.setdefault(socket, {})[info.identity] = info
        if self._timer is None:
            loop = asyncio.get_running_loop()
            until_next = ANNOUNCE_INTERVAL - loop.time() % ANNOUNCE_INTERVAL
            self._timer = loop.call_later(until_next, self._tell)
        return True

    def _tell(self) -> None:
        self._timer = None
        kept, self._kept = self._kept, {}
        for socket, infos in kept.items():
            self._told[socket].update(infos)
            update = rtc.ParticipantUpdate(participants=infos.values())
            socket.send_now(rtc.SignalResponse(update=update).SerializeToString())
        self._told = {socket: told for socket, told in self._told.items() if not socket.closed}

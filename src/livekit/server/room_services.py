"""The dependencies that a server passes to its rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livekit.protocol import models

from .events import RoomEvent
from .packet_observer import PacketObserver
from .permissions import Grants
from .traffic import Traffic


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomServices:
    """Everything that a room uses outside itself; :class:`.room_manager.RoomManager` provides it."""

    epoch: float
    """The Unix time at which the clock behind each `now` showed 0."""
    new_sid: Callable[[str], str]
    """Generates an ID with the given prefix."""
    mint_refresh_token: Callable[[Grants, models.ParticipantInfo], str] | None
    """Mints a token that a participant can reconnect with; None if the server mints none."""
    emit: Callable[[Callable[[], RoomEvent]], None]
    """Reports an event to the observers; the event is built only if there are any."""
    close_idle_rooms: Callable[[float], None]
    """Called with `now` whenever a room becomes empty."""
    traffic: Traffic
    """Packet counters of the whole server."""
    packet_observer: PacketObserver | None

    def wall_time(self, now: float) -> float:
        """Return the Unix time at `now`."""
        return self.epoch + now

    def refresh_token(self, grants: Grants, info: models.ParticipantInfo) -> str:
        """Return a new token for a participant; empty if the server mints none."""
        return self.mint_refresh_token(grants, info) if self.mint_refresh_token else ""

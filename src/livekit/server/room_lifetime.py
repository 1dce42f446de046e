"""Lifetime of a room: its end once it has no participants that keep it open. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .participant import Participant


class RoomLifetime:
    """Tracks joins and departures of one room. Times are in seconds, on the room's clock."""

    def __init__(
        self, participants: Mapping[str, Participant], now: float, *, empty_timeout: float, departure_timeout: float
    ) -> None:
        """`participants` is the room's own table, by identity."""
        self._participants: Final = participants
        self._created_at: Final = now
        self._empty_timeout: Final = empty_timeout
        self._departure_timeout: Final = departure_timeout
        self._had_independent = False
        self._last_left_at: float | None = None

    @property
    def is_idle(self) -> bool:
        """True while the room has no participants, or only dependent ones."""
        return all(participant.is_dependent for participant in self._participants.values())

    @property
    def abandoned_since(self) -> float | None:
        """Time of the last departure if the room is idle and independent participants had joined it; otherwise None.

        As with livekit-server 1.13.5, it may be the departure of a dependent participant.
        """
        return self._last_left_at if self._had_independent and self.is_idle else None

    @property
    def idle_since(self) -> float | None:
        """Time from which the timeout of an idle room counts; None while the room is not idle."""
        if (abandoned_since := self.abandoned_since) is not None:
            return abandoned_since
        return self._created_at if self.is_idle else None

    def is_expired(self, now: float) -> bool:
        """Return whether an idle room has reached its departure timeout, or its empty timeout if it was unused."""
        if (abandoned_since := self.abandoned_since) is not None:
            return now - abandoned_since >= self._departure_timeout
        return self.is_idle and now - self._created_at >= self._empty_timeout

    def joined(self, participant: Participant) -> None:
        """Record a join."""
        self._had_independent |= not participant.is_dependent

    def left(self, now: float) -> None:
        """Record a departure."""
        self._last_left_at = now

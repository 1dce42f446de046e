"""The participants that speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from livekit.participant import Participant
from livekit.protocol import models

__all__ = ["ActiveSpeakers"]


class ActiveSpeakers:
    """Keeps the levels of all speakers: the server sends those that have changed."""

    def __init__(self, find: Callable[[str], Participant | None], emit: Callable[..., None]) -> None:
        """`find` returns a participant by sid."""
        self._find = find
        self._emit = emit
        self._levels: dict[str, float] = {}

    def update(self, speakers: Iterable[models.SpeakerInfo]) -> None:
        """Apply a change, and emit all active speakers, the loudest last as in the official SDK."""
        for speaker in speakers:
            if speaker.active:
                self._levels[speaker.sid] = speaker.level
            else:
                self._levels.pop(speaker.sid, None)
        active = {sid: participant for sid in self._levels if (participant := self._find(sid)) is not None}
        self._levels = {sid: self._levels[sid] for sid in active}
        self._emit("active_speakers_changed", [active[sid] for sid in sorted(active, key=self._levels.__getitem__)])

    def clear(self) -> None:
        """Forget the speakers: a new session begins."""
        self._levels.clear()

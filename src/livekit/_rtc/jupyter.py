"""Rooms in Jupyter notebooks, which play media and so raise MediaNotBuiltError."""

from __future__ import annotations

from livekit.errors import MediaNotBuiltError

__all__ = ["display_room", "room_html"]


def room_html(url: str, token: str, *, width: str, height: str) -> object:
    """Raise MediaNotBuiltError: the page would play the room's audio."""
    raise MediaNotBuiltError("livekit.rtc.jupyter.room_html")


def display_room(url: str, token: str, *, width: str = "100%", height: str = "110px") -> None:
    """Raise MediaNotBuiltError: the page would play the room's audio."""
    raise MediaNotBuiltError("livekit.rtc.jupyter.display_room")

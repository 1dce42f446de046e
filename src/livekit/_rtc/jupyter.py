"""Rooms in notebooks: what is shown there is a page with audio."""

from __future__ import annotations

from livekit.errors import MediaNotBuiltError

__all__ = ["display_room", "room_html"]


def room_html(url: str, token: str, *, width: str, height: str) -> object:
    """Raises MediaNotBuiltError."""
    raise MediaNotBuiltError("livekit.rtc.jupyter.room_html")


def display_room(url: str, token: str, *, width: str = "100%", height: str = "110px") -> None:
    """Raises MediaNotBuiltError."""
    raise MediaNotBuiltError("livekit.rtc.jupyter.display_room")

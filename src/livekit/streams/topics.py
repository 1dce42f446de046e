"""Topics of streams that other LiveKit software knows."""

from __future__ import annotations

CHAT_TOPIC = "lk.chat"
"""Topic of the chat in LiveKit's UI components and agents."""

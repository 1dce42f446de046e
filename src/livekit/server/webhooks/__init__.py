"""Tells other programs over HTTP what happens in the rooms, signed as LiveKit servers sign it."""

from __future__ import annotations

from .sender import WebhookSender
from .settings import WebhookSettings

__all__ = ["WebhookSender", "WebhookSettings"]

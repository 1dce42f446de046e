"""Webhooks: room events, posted over HTTP and signed as LiveKit server signs them."""

from __future__ import annotations

from .sender import WebhookSender
from .settings import WebhookSettings

__all__ = ["WebhookSender", "WebhookSettings"]

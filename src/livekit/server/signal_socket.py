"""The signal WebSocket of a participant."""

from __future__ import annotations

from aiohttp import web

from livekit.protocol import rtc

from .message_socket import CLOSE_TIMEOUT, MessageSocket
from .tasks import OwnedTasks

__all__ = ["CLOSE_TIMEOUT", "SignalSocket"]


class SignalSocket(MessageSocket[rtc.SignalRequest, rtc.SignalResponse]):
    """A WebSocket of SignalRequest and SignalResponse; each resume uses a new one."""

    def __init__(self, socket: web.WebSocketResponse, tasks: OwnedTasks) -> None:
        super().__init__(socket, tasks, rtc.SignalRequest)

"""The client side of signaling: protobuf messages over a WebSocket."""

from __future__ import annotations

from .connection import SignalConnection, SocketName
from .failures import RouteMissingError
from .join_request import CONTINUATION_FLAG, Reconnect, SignalParameters
from .keepalive import Keepalive
from .urls import SignalUrls, parse_server_url

__all__ = [
    "CONTINUATION_FLAG",
    "Keepalive",
    "Reconnect",
    "RouteMissingError",
    "SignalConnection",
    "SignalParameters",
    "SignalUrls",
    "SocketName",
    "parse_server_url",
]

"""The client's side of signalling: protobuf messages over a WebSocket."""

from __future__ import annotations

from .connection import SignalConnection
from .failures import RouteMissingError
from .join_request import Reconnect, SignalParameters
from .keepalive import Keepalive
from .urls import SignalUrls, parse_server_url

__all__ = [
    "Keepalive",
    "Reconnect",
    "RouteMissingError",
    "SignalConnection",
    "SignalParameters",
    "SignalUrls",
    "parse_server_url",
]

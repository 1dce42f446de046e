"""URLs of STUN and TURN servers (RFC 7064, RFC 7065)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from livekit.webrtc.interfaces import IceServerSettings

__all__ = ["IceServer"]

_URL = re.compile(r"(?P<scheme>[^:]*):(?P<host>\[[^\]]*\]|[^:?]*)(?::(?P<port>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL)
_DEFAULT_PORTS = {"stun": 3478, "stuns": 5349, "turn": 3478, "turns": 5349}
_EXAMPLE = "write it like stun:stun.example.org:3478 or turn:turn.example.org:3478?transport=tcp"
MAX_PORT = 65_535


@dataclass(frozen=True, kw_only=True, slots=True)
class IceServer:
    """A STUN or TURN server."""

    scheme: str
    """stun, stuns, turn or turns."""
    host: str
    port: int
    transport: str
    """udp or tcp, between client and server."""
    username: str = ""
    credential: str = ""

    @classmethod
    def parse(cls, url: str, settings: IceServerSettings) -> IceServer:
        """Parse a URL of `settings`, whose credentials apply.

        Raises:
            ValueError: it is not the URL of a STUN or TURN server; the message says what is wrong.
        """
        match = _URL.fullmatch(url)
        scheme = match["scheme"].lower() if match else ""
        if match is None or scheme not in _DEFAULT_PORTS:
            raise ValueError(f"its scheme must be one of {', '.join(_DEFAULT_PORTS)}; {_EXAMPLE}")
        transport = _transport(scheme, match["query"])
        host, port = _host(match["host"]), _port(match["port"], _DEFAULT_PORTS[scheme])
        return cls(
            scheme=scheme,
            host=host,
            port=port,
            transport=transport,
            username=settings.username,
            credential=settings.credential,
        )


def _transport(scheme: str, query: str | None) -> str:
    if query is None:
        return "tcp" if scheme.endswith("s") else "udp"
    if scheme.startswith("stun"):
        raise ValueError("the URL of a STUN server has no query; remove what follows the question mark")
    name, _, transport = query.partition("=")
    if name != "transport" or transport not in ("udp", "tcp"):
        raise ValueError("its query must be transport=udp or transport=tcp")
    return transport


def _host(host: str) -> str:
    if host.startswith("//"):
        raise ValueError(f"no slashes follow the scheme; {_EXAMPLE}")
    if "@" in host:
        raise ValueError("user name and password belong in `username` and `password`, not in the URL")
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1].partition("%")[0]))
        except ValueError:
            raise ValueError("its host is not an IPv6 address") from None
    if not host:
        raise ValueError(f"its host is missing; IPv6 addresses are written in brackets, stun:[::1]; {_EXAMPLE}")
    if re.search(r"[\s/#\[\]]", host):
        raise ValueError(f"its host has characters that are not allowed, such as white space; {_EXAMPLE}")
    return host


def _port(port: str | None, default: int) -> int:
    if port is None:
        return default
    if ":" in port:
        raise ValueError("its host has several colons; write IPv6 addresses in brackets, stun:[::1]")
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= MAX_PORT):
        raise ValueError(f"its port must be a number from 1 to {MAX_PORT}")
    return int(port)

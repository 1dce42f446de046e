"""Rewriting of signal messages so that media passes through a relay. No I/O except for the `Locate` callback."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Awaitable, Callable

from livekit.protocol import rtc
from livekit.signaling.join_request import encode_join_request
from livekit.webrtc.ice import Candidate, CandidateError

__all__ = ["Locate", "decode_join_request", "hide_client", "hide_client_in_join", "redirect_server"]

Address = tuple[str, int]
Locate = Callable[[Address], Awaitable[Address]]
"""Returns the address of the relay that forwards to an address of the server."""

_CANDIDATE = "a=candidate:"
_CLIENT_SIDE = (_CANDIDATE, "a=end-of-candidates")


async def redirect_server(message: rtc.SignalResponse, locate: Locate) -> bool:
    """Replace the server's addresses by relays and remove everything that bypasses them; False to drop the message."""
    kind = message.WhichOneof("message")
    if kind == "join":
        message.join.ClearField("ice_servers")
        message.join.ClearField("alternative_url")
    elif kind == "reconnect":
        message.reconnect.ClearField("ice_servers")
    elif kind in ("offer", "answer"):
        description = message.offer if kind == "offer" else message.answer
        description.sdp = await _redirect_description(description.sdp, locate)
    elif kind == "trickle":
        return await _redirect_trickle(message.trickle, locate)
    elif kind == "leave":
        message.leave.ClearField("regions")
    return True


def hide_client(message: rtc.SignalRequest) -> bool:
    """Remove the client's addresses, so that the server learns only the relay's; False to drop the message."""
    kind = message.WhichOneof("message")
    if kind in ("offer", "answer"):
        description = message.offer if kind == "offer" else message.answer
        description.sdp = _without_candidates(description.sdp)
    return bool(kind != "trickle")


def hide_client_in_join(encoded: str) -> str:
    """Remove the client's addresses from the offer in the URL parameter `join_request`."""
    request = decode_join_request(encoded)
    if request.HasField("publisher_offer"):
        request.publisher_offer.sdp = _without_candidates(request.publisher_offer.sdp)
    return encode_join_request(request)


def decode_join_request(encoded: str) -> rtc.JoinRequest:
    """Decode the URL parameter `join_request`. Raises ValueError, zlib.error, DecodeError."""
    stripped = encoded.rstrip("=")
    wrapped = rtc.WrappedJoinRequest.FromString(base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4)))
    data = wrapped.join_request
    if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
        data = zlib.decompress(data, 16 + zlib.MAX_WBITS)
    return rtc.JoinRequest.FromString(data)


async def _redirect_description(sdp: str, locate: Locate) -> str:
    lines: list[str] = []
    for line in sdp.splitlines():
        if line.startswith(_CANDIDATE):
            candidate = await _redirect(line, locate)
            if candidate is not None:
                lines.append(f"a={candidate}")
        else:
            lines.append(line)
    return _joined(lines)


async def _redirect_trickle(trickle: rtc.TrickleRequest, locate: Locate) -> bool:
    init = json.loads(trickle.candidateInit)
    if init.get("candidate"):
        candidate = await _redirect(init["candidate"], locate)
        if candidate is None:
            return False
        init["candidate"] = str(candidate)
        trickle.candidateInit = json.dumps(init)
    return True


async def _redirect(text: str, locate: Locate) -> Candidate | None:
    """Return the candidate at the relay; None if it cannot be relayed: TCP, or a host name for an address."""
    try:
        candidate = Candidate.parse(text)
    except CandidateError:
        return None
    if candidate.transport != "udp" or candidate.ip_version is None:
        return None
    host, port = await locate(candidate.address)
    return dataclasses.replace(candidate, host=host, port=port)


def _without_candidates(sdp: str) -> str:
    return _joined([line for line in sdp.splitlines() if not line.startswith(_CLIENT_SIDE)])


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)

"""The parameters of a join or resume: as a JoinRequest (single peer connection) or as a URL query (dual)."""

from __future__ import annotations

import base64
import gzip
import platform
from dataclasses import dataclass

from livekit._version import __version__
from livekit.protocol import models, rtc

__all__ = [
    "CAPABILITIES",
    "CLIENT_PROTOCOL",
    "CONTINUATION_FLAG",
    "PROTOCOL_VERSION",
    "Reconnect",
    "SignalParameters",
]

PROTOCOL_VERSION = 17
"""Version of the signaling protocol."""
CLIENT_PROTOCOL = 2
"""Features that other participants may use: RPC over data streams, and short streams in one packet."""
CAPABILITIES = (models.ClientInfo.Capability.CAP_COMPRESSION_DEFLATE_RAW,)
SDK_NAME = "python"
CONTINUATION_FLAG = "continue=sid"
"""Part of `ServerInfo.debug_info` if the server lets a full reconnect that sends its last sid continue that session
without losing or repeating packets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconnect:
    """The participant whose connection is resumed, and the reason."""

    participant_sid: str
    reason: models.ReconnectReason = models.ReconnectReason.RR_UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalParameters:
    """Parameters of a signal connection."""

    auto_subscribe: bool = True
    publisher_offer: rtc.SessionDescription | None = None
    """The offer of a single peer connection; a resume does not repeat it."""
    reconnect: Reconnect | None = None
    last_sid: str = ""
    """On a full reconnect to a server with `CONTINUATION_FLAG`: the participant sid of the last session."""

    def join_request(self) -> rtc.JoinRequest:
        """Return the request for a single peer connection (`/rtc/v1`)."""
        request = rtc.JoinRequest(
            client_info=client_info(),
            connection_settings=rtc.ConnectionSettings(auto_subscribe=self.auto_subscribe),
            publisher_offer=self.publisher_offer,
        )
        if self.reconnect is not None:
            request.reconnect = True
            request.participant_sid = self.reconnect.participant_sid
            request.reconnect_reason = self.reconnect.reason
        elif self.last_sid:
            request.participant_sid = self.last_sid
        return request

    def query(self) -> dict[str, str]:
        """Return the query for two peer connections (`/rtc`)."""
        info = client_info()
        query = {
            "sdk": SDK_NAME,
            "version": info.version,
            "os": info.os,
            "os_version": info.os_version,
            "protocol": str(info.protocol),
            "client_protocol": str(info.client_protocol),
            "capabilities": ",".join(models.ClientInfo.Capability.Name(c) for c in info.capabilities),
            "auto_subscribe": "1" if self.auto_subscribe else "0",
        }
        if self.reconnect is not None:
            query |= {
                "reconnect": "1",
                "sid": self.reconnect.participant_sid,
                "reconnect_reason": str(int(self.reconnect.reason)),
            }
        elif self.last_sid:
            query["sid"] = self.last_sid
        return query


def client_info() -> models.ClientInfo:
    """Return the description of this SDK that is sent to the server."""
    return models.ClientInfo(
        sdk=models.ClientInfo.SDK.PYTHON,
        version=__version__,
        protocol=PROTOCOL_VERSION,
        os=platform.system().lower(),
        os_version=platform.release(),
        client_protocol=CLIENT_PROTOCOL,
        capabilities=CAPABILITIES,
    )


def encode_join_request(request: rtc.JoinRequest) -> str:
    """Return the value of the `join_request` parameter: gzip-compressed if that is shorter, base64url with padding."""
    plain = request.SerializeToString()
    compressed = gzip.compress(plain, mtime=0)
    wrapped = (
        rtc.WrappedJoinRequest(compression=rtc.WrappedJoinRequest.Compression.GZIP, join_request=compressed)
        if len(compressed) < len(plain)
        else rtc.WrappedJoinRequest(join_request=plain)
    )
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode("ascii")

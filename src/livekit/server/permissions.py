"""The grants of a token, parsed from its claims with every value checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.json_format import ParseDict, ParseError

from livekit.protocol import models
from livekit.protocol.room import RoomConfiguration

from . import limits
from .claims import Claims, InvalidClaimsError

_KINDS = frozenset(models.ParticipantInfo.Kind.keys())
_KIND_DETAILS = frozenset(models.ParticipantInfo.KindDetail.keys())
_DEPENDENT = frozenset({"AGENT", "EGRESS"})
_TRACK_SOURCES = frozenset(models.TrackSource.keys())
_UNKNOWN_SOURCE = "UNKNOWN"

_FLAGS: Final = (
    *("roomCreate", "roomList", "roomRecord", "roomAdmin", "roomJoin", "ingressAdmin"),
    *("hidden", "recorder", "agent"),
)
"""Grants that are false unless set."""
OPTIONAL_FLAGS: Final = (
    *("canPublish", "canSubscribe", "canPublishData", "canUpdateOwnMetadata"),
    *("canSubscribeMetrics", "canManageAgentSession"),
)
"""Grants whose absence has a meaning of its own."""
_OTHER_SERVICES: Final = {
    "sip": ("admin", "call"),
    "agent": ("admin", "simulationAdmin"),
    "inference": ("perform",),
    "observability": ("write",),
}
"""Grants for other services, by claim. Only their types matter here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grants:
    """Identity and permissions of the holder of a verified token."""

    api_key: str
    identity: str = ""
    name: str = ""
    metadata: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    kind: str = "STANDARD"
    """Name of a `ParticipantInfo.Kind`."""
    kind_details: Sequence[str] = ()
    """Names of `ParticipantInfo.KindDetail`."""
    has_video: bool = False
    """The token has a `video` claim."""
    room: str = ""
    room_join: bool = False
    room_admin: bool = False
    room_create: bool = False
    room_list: bool = False
    destination_room: str = ""
    permission: models.ParticipantPermission = field(default_factory=models.ParticipantPermission)
    room_config: RoomConfiguration = field(default_factory=RoomConfiguration, repr=False)
    """Settings of the room if this participant is the first to join."""
    room_preset: str = ""
    """Name of predefined room settings; this server has none."""
    video: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """The `video` claim, without unknown grants and those that are false by default."""
    expires_at: float | None = None
    """Unix time at which the token expires; None if it does not."""

    @property
    def is_dependent(self) -> bool:
        """True if the holder only serves others; see :func:`is_dependent`."""
        return is_dependent(self.kind, self.permission)


def is_dependent(kind: str, permission: models.ParticipantPermission) -> bool:
    """Return True for agents and recorders, which only serve others: they do not keep a room open without them."""
    return kind in _DEPENDENT or permission.agent or permission.recorder


def parse_grants(claims: Claims) -> Grants:
    """Parse the claims of a token whose signature was verified. Raises InvalidClaimsError."""
    video = claims.object("video")
    if len(video) > limits.MAX_GRANTS:
        raise InvalidClaimsError(f"claim video must have at most {limits.MAX_GRANTS} entries")
    _check_unused(claims)
    return Grants(
        api_key=claims.text("iss"),
        identity=claims.text("sub") or claims.text("jti"),
        name=claims.text("name"),
        metadata=claims.text("metadata"),
        attributes=claims.text_mapping("attributes"),
        kind=_kind(claims.text("kind")),
        kind_details=_known(claims.texts("kindDetails"), _KIND_DETAILS),
        has_video="video" in claims,
        room=video.text("room"),
        room_join=video.flag("roomJoin"),
        room_admin=video.flag("roomAdmin"),
        room_create=video.flag("roomCreate"),
        room_list=video.flag("roomList"),
        destination_room=video.text("destinationRoom"),
        permission=_permission(video),
        room_config=_room_config(claims),
        room_preset=claims.text("roomPreset"),
        video=_video(video),
        expires_at=claims.time("exp"),
    )


def attributes_size(attributes: Mapping[str, str]) -> int:
    """Return the size of all names and values in UTF-8 bytes."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())


def _check_unused(claims: Claims) -> None:
    """Check the types of claims that livekit-server checks too, and that have no effect on this server."""
    for name in ("identity", "jti", "sha256"):
        claims.text(name)
    claims.time("iat")
    try:
        claims.text("aud")
    except InvalidClaimsError:
        claims.texts("aud")
    for name, flags in _OTHER_SERVICES.items():
        service = claims.object(name)
        for flag in flags:
            service.flag(flag)


def _video(video: Claims) -> dict[str, object]:
    given: dict[str, object] = {
        **{name: video.flag(name) for name in _FLAGS},
        **{name: video.text(name) for name in ("room", "destinationRoom")},
        "canPublishSources": video.texts("canPublishSources"),
    }
    optional = {name: video.flag(name) for name in OPTIONAL_FLAGS if name in video}
    return {**{name: value for name, value in given.items() if value}, **optional}


def _room_config(claims: Claims) -> RoomConfiguration:
    try:
        return ParseDict(dict(claims.mapping("roomConfig")), RoomConfiguration(), ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError) as error:
        raise InvalidClaimsError("claim roomConfig is not a valid room configuration") from error


def _permission(video: Claims) -> models.ParticipantPermission:
    can_publish = video.flag("canPublish", True)
    return models.ParticipantPermission(
        can_subscribe=video.flag("canSubscribe", True),
        can_publish=can_publish,
        can_publish_data=video.flag("canPublishData", can_publish),
        can_publish_sources=_sources(video),
        can_update_metadata=video.flag("canUpdateOwnMetadata"),
        hidden=video.flag("hidden"),
        recorder=video.flag("recorder"),
        agent=video.flag("agent"),
        can_subscribe_metrics=video.flag("canSubscribeMetrics"),
        can_manage_agent_session=video.flag("canManageAgentSession"),
    )


def _sources(video: Claims) -> list[str]:
    """Return the sources without duplicates. Unknown ones count as UNKNOWN: an empty list permits all."""
    names = [name.upper() for name in video.texts("canPublishSources")]
    return list(dict.fromkeys(name if name in _TRACK_SOURCES else _UNKNOWN_SOURCE for name in names))


def _known(names: Sequence[str], known: frozenset[str]) -> list[str]:
    """Return the known names in upper case, without duplicates."""
    return list(dict.fromkeys(upper for name in names if (upper := name.upper()) in known))


def _kind(name: str) -> str:
    return name.upper() if name.upper() in _KINDS else "STANDARD"

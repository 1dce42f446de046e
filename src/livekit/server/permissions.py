"""The grants of a token, parsed from its claims with every value checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.json_format import ParseDict, ParseError

from livekit.protocol import models
from livekit.protocol.room import RoomConfiguration

from . import limits

_T = TypeVar("_T")
_KINDS = frozenset(models.ParticipantInfo.Kind.keys())
_DEPENDENT = frozenset({"AGENT", "EGRESS"})
_TRACK_SOURCES = frozenset(models.TrackSource.keys())


class InvalidClaimsError(ValueError):
    """A claim has the wrong type."""


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

    @property
    def is_dependent(self) -> bool:
        """True for agents and recorders, which only serve others: they do not keep a room open without them."""
        return self.kind in _DEPENDENT or self.permission.agent or self.permission.recorder


def parse_grants(claims: Mapping[str, object]) -> Grants:
    """Parse the claims of a token whose signature was verified. Raises InvalidClaimsError."""
    video_claim = claims.get("video")
    video = _mapping(claims, "video")
    if len(video) > limits.MAX_GRANTS:
        raise InvalidClaimsError(f"claim video must have at most {limits.MAX_GRANTS} entries")
    return Grants(
        api_key=_value(claims, "iss", str, ""),
        identity=_value(claims, "sub", str, "") or _value(claims, "jti", str, ""),
        name=_value(claims, "name", str, ""),
        metadata=_value(claims, "metadata", str, ""),
        attributes=_attributes(claims),
        kind=_kind(_value(claims, "kind", str, "")),
        has_video=video_claim is not None,
        room=_value(video, "room", str, ""),
        room_join=_value(video, "roomJoin", bool, False),
        room_admin=_value(video, "roomAdmin", bool, False),
        room_create=_value(video, "roomCreate", bool, False),
        room_list=_value(video, "roomList", bool, False),
        destination_room=_value(video, "destinationRoom", str, ""),
        permission=_permission(video),
        room_config=_room_config(claims),
    )


def attributes_size(attributes: Mapping[str, str]) -> int:
    """Return the size of all names and values in UTF-8 bytes."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())


def _room_config(claims: Mapping[str, object]) -> RoomConfiguration:
    try:
        return ParseDict(dict(_mapping(claims, "roomConfig")), RoomConfiguration(), ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError) as error:
        raise InvalidClaimsError("claim roomConfig is not a valid room configuration") from error


def _permission(video: Mapping[str, object]) -> models.ParticipantPermission:
    can_publish = _value(video, "canPublish", bool, True)
    return models.ParticipantPermission(
        can_subscribe=_value(video, "canSubscribe", bool, True),
        can_publish=can_publish,
        can_publish_data=_value(video, "canPublishData", bool, can_publish),
        can_publish_sources=_sources(video),
        can_update_metadata=_value(video, "canUpdateOwnMetadata", bool, False),
        hidden=_value(video, "hidden", bool, False),
        recorder=_value(video, "recorder", bool, False),
        agent=_value(video, "agent", bool, False),
        can_subscribe_metrics=_value(video, "canSubscribeMetrics", bool, False),
        can_manage_agent_session=_value(video, "canManageAgentSession", bool, False),
    )


def _value(claims: Mapping[str, object], name: str, kind: type[_T], default: _T) -> _T:
    value = claims.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InvalidClaimsError(f"claim {name} must be of type {kind.__name__}")
    if isinstance(value, str):
        _check_text(value)
    return value


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidClaimsError("claims must be valid Unicode") from error


def _mapping(claims: Mapping[str, object], name: str) -> Mapping[str, object]:
    empty: dict[str, object] = {}
    return _value(claims, name, dict, empty)


def _attributes(claims: Mapping[str, object]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for key, value in _mapping(claims, "attributes").items():
        if not isinstance(value, str):
            raise InvalidClaimsError("claim attributes must have text values")
        _check_text(key)
        _check_text(value)
        attributes[key] = value
    return attributes


def _sources(video: Mapping[str, object]) -> list[str]:
    empty: list[object] = []
    names = dict.fromkeys(str(name).upper() for name in _value(video, "canPublishSources", list, empty))
    return [name for name in names if name in _TRACK_SOURCES]


def _kind(name: str) -> str:
    return name.upper() if name.upper() in _KINDS else "STANDARD"

"""Parses the join request in a WebSocket URL: query parameters for `/rtc`, an encoded JoinRequest for `/rtc/v1`."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from google.protobuf.message import DecodeError

from livekit.protocol import models, rtc

from . import limits
from .auth import AuthError
from .permissions import Grants
from .room import JoinParameters

_GZIP = 16 + zlib.MAX_WBITS

_SDKS = {
    **{name.lower(): name for name in models.ClientInfo.SDK.keys()},  # noqa: SIM118 - a protobuf enum is not a dict
    "ios": "SWIFT",
    "reactnative": "REACT_NATIVE",
    "unityweb": "UNITY_WEB",
}
_CAPABILITIES = frozenset(models.ClientInfo.Capability.keys())


def parse_join(query: Mapping[str, str], *, single_peer_connection: bool) -> JoinParameters:
    """Parse the query of `/rtc/v1` (`single_peer_connection`) or `/rtc`.

    Raises:
        AuthError: The query is malformed; the status is 400.
    """
    encoded = query.get("join_request", "")
    if encoded:
        return _from_join_request(encoded)
    if single_peer_connection:
        raise AuthError(400, "join_request is required")
    return _from_parameters(query)


def check_allowed(grants: Grants, parameters: JoinParameters) -> None:
    """Check that the client may set its metadata and attributes. Raises AuthError with status 401."""
    if (parameters.metadata or parameters.attributes) and not grants.permission.can_update_metadata:
        raise AuthError(401, "no permissions to access the room")


def check_query(query: Mapping[str, str]) -> None:
    """Check the attributes in a query: `/rtc` ignores malformed ones. Raises AuthError with status 400."""
    encoded = "" if query.get("join_request") else query.get("attributes", "")
    if encoded and _decode_attributes(encoded) is None:
        raise AuthError(400, "cannot decode attributes")


def as_publisher(grants: Grants, query: Mapping[str, str]) -> Grants:
    """Return the grants for a query of `/rtc`: with `publish`, those of a second participant that only publishes.

    Raises:
        AuthError: With status 401: the token does not permit publishing.
    """
    suffix = "" if query.get("join_request") else query.get("publish", "")
    if not suffix:
        return grants
    if not grants.permission.can_publish:
        raise AuthError(401, "no permissions to access the room")
    permission = models.ParticipantPermission()
    permission.CopyFrom(grants.permission)
    permission.can_subscribe = False
    return replace(grants, identity=f"{grants.identity}#{suffix}", permission=permission)


def _from_join_request(encoded: str) -> JoinParameters:
    try:
        wrapped = rtc.WrappedJoinRequest.FromString(_decode_base64(encoded))
    except DecodeError as error:
        raise AuthError(400, "cannot unmarshal wrapped join request") from error
    data = wrapped.join_request
    if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
        data = _inflate(data)
    elif len(data) > limits.MAX_JOIN_REQUEST:
        raise AuthError(400, "join request too large")
    try:
        request = rtc.JoinRequest.FromString(data)
    except DecodeError as error:
        raise AuthError(400, "cannot unmarshal join request") from error
    capabilities = list(dict.fromkeys(request.client_info.capabilities))[: limits.MAX_CAPABILITIES]
    request.client_info.capabilities[:] = capabilities
    return JoinParameters(
        client=request.client_info,
        publisher_offer=request.publisher_offer if request.HasField("publisher_offer") else None,
        metadata=request.metadata,
        attributes=dict(request.participant_attributes),
        reconnect=request.reconnect,
        participant_sid=request.participant_sid,
        sync_state=request.sync_state if request.HasField("sync_state") else None,
        auto_subscribe=request.connection_settings.auto_subscribe,
        auto_subscribe_data_track=request.connection_settings.auto_subscribe_data_track,
        add_track_requests=tuple(request.add_track_requests),
    )


def _from_parameters(query: Mapping[str, str]) -> JoinParameters:
    return JoinParameters(
        client=_client_info(query),
        single_peer_connection=False,
        attributes=_decode_attributes(query.get("attributes", "")) or {},
        reconnect=_flag(query, "reconnect"),
        participant_sid=query.get("sid", ""),
        auto_subscribe=_flag(query, "auto_subscribe") if "auto_subscribe" in query else True,
        auto_subscribe_data_track=_flag(query, "auto_subscribe_data_track"),
    )


def _client_info(query: Mapping[str, str]) -> models.ClientInfo:
    announced = (name.strip() for name in query.get("capabilities", "").split(","))
    return models.ClientInfo(
        sdk=_SDKS.get(query.get("sdk", ""), "UNKNOWN"),
        version=query.get("version", ""),
        protocol=_number(query.get("protocol", "")),
        client_protocol=_number(query.get("client_protocol", "")),
        capabilities=[name for name in announced if name in _CAPABILITIES],
        os=query.get("os", ""),
        os_version=query.get("os_version", ""),
        device_model=query.get("device_model", ""),
        browser=query.get("browser", ""),
        browser_version=query.get("browser_version", ""),
        network=query.get("network", ""),
    )


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name) in ("1", "true")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _decode_attributes(encoded: str) -> dict[str, str] | None:
    """Return the attributes of a query; None if they are malformed."""
    if not encoded:
        return {}
    try:
        attributes: object = json.loads(_decode_base64(encoded))
    except (AuthError, ValueError, RecursionError):
        return None
    if attributes is None:
        return {}
    if not isinstance(attributes, dict):
        return None
    pairs = {key: "" if value is None else value for key, value in cast("dict[str, object]", attributes).items()}
    return cast("dict[str, str]", pairs) if all(map(_is_text, (*pairs.keys(), *pairs.values()))) else None


def _is_text(value: object) -> bool:
    """Return whether a JSON value is a string without lone surrogates."""
    return isinstance(value, str) and value.encode(errors="replace").decode() == value


def _decode_base64(encoded: str) -> bytes:
    """Decode base64url with padding."""
    if len(encoded) > limits.MAX_JOIN_REQUEST:
        raise AuthError(400, "join request too large")
    try:
        return base64.b64decode(encoded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuthError(400, "cannot base64 decode wrapped join request") from error


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        inflated = inflater.decompress(data, limits.MAX_JOIN_REQUEST)
    except zlib.error as error:
        raise AuthError(400, "cannot read decompressed join request") from error
    if inflater.unconsumed_tail:
        raise AuthError(400, "join request too large")
    if not inflater.eof:
        raise AuthError(400, "cannot read decompressed join request")
    return inflated

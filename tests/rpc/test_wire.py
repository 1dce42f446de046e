from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.errors import RpcError

Header = models.DataStream.Header


def test_request_ids_are_our_uuids() -> None:
    ids = {wire.new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    for request_id in ids:
        parsed = uuid.UUID(request_id)
        assert str(parsed) == request_id
        assert parsed.version == 8
        assert parsed.variant == uuid.RFC_4122
        assert wire.is_our_request_id(request_id)


def test_other_ids_are_not_ours() -> None:
    ours = wire.new_request_id()
    for other in (str(uuid.uuid4()), "", ours + "\n", " " + ours, ours.upper(), ours[:-1]):
        assert not wire.is_our_request_id(other)


def test_a_version_1_request() -> None:
    packet = wire.request_packet("bob", "id", "method", "payload", 1500)
    assert list(packet.destination_identities) == ["bob"]
    request = packet.rpc_request
    assert (request.id, request.method, request.payload) == ("id", "method", "payload")
    assert (request.response_timeout_ms, request.version) == (1500, 1)


def test_acks_responses_and_errors() -> None:
    assert wire.ack_packet("bob", "id").rpc_ack.request_id == "id"
    response = wire.response_packet("bob", "id", "").rpc_response
    assert response.WhichOneof("value") == "payload"
    assert response.request_id == "id"
    failed = wire.error_packet("bob", "id", RpcError(4711, "no", "data")).rpc_response
    assert (failed.request_id, failed.error.code, failed.error.message, failed.error.data) == ("id", 4711, "no", "data")
    for packet in (wire.ack_packet("bob", "id"), wire.response_packet("bob", "id", "")):
        assert list(packet.destination_identities) == ["bob"]


def test_request_attributes_round_trip() -> None:
    attributes = wire.request_attributes("id", "method", 1500)
    assert attributes[wire.ATTR_VERSION] == "2"
    request = wire.parse_request_attributes(Header(attributes=attributes))
    assert request == ("id", "method", 1500, 2)


@pytest.mark.parametrize("timeout", ["", "-1", "1.5", "x", "9" * 16, "1 "])
def test_an_invalid_timeout_becomes_15_seconds(timeout: str) -> None:
    assert wire.parse_request_attributes(Header(attributes={wire.ATTR_TIMEOUT_MS: timeout})).timeout_ms == 15_000


@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 10])
def test_an_invalid_version_becomes_0(version: str) -> None:
    assert wire.parse_request_attributes(Header(attributes={wire.ATTR_VERSION: version})).version == 0


@given(
    st.dictionaries(
        st.sampled_from([wire.ATTR_REQUEST_ID, wire.ATTR_METHOD, wire.ATTR_TIMEOUT_MS, wire.ATTR_VERSION]), st.text()
    )
)
def test_any_attributes_can_be_parsed(attributes: dict[str, str]) -> None:
    try:
        header = Header(attributes=attributes)
    except ValueError:  # lone surrogates
        return
    request = wire.parse_request_attributes(header)
    assert request.timeout_ms >= 0
    assert request.version >= 0


def test_row_13_the_cancel_trailer() -> None:
    packet = wire.cancel_packet("bob", "stream", "id")
    assert list(packet.destination_identities) == ["bob"]
    assert packet.stream_trailer.stream_id == "stream"
    assert wire.cancelled_request_id(packet.stream_trailer) == "id"


@pytest.mark.parametrize(
    ("reason", "attributes"),
    [("", {wire.ATTR_REQUEST_ID: "id"}), ("aborted", {wire.ATTR_REQUEST_ID: "id"}), (wire.CANCEL_REASON, {})],
)
def test_row_13_other_trailers_cancel_nothing(reason: str, attributes: dict[str, str]) -> None:
    trailer = models.DataStream.Trailer(stream_id="id", reason=reason, attributes=attributes)
    assert wire.cancelled_request_id(trailer) is None


def test_wire_names() -> None:
    assert re.fullmatch(r"lk\.rpc_\w+", wire.REQUEST_TOPIC)
    assert (wire.REQUEST_TOPIC, wire.RESPONSE_TOPIC) == ("lk.rpc_request", "lk.rpc_response")
    assert wire.ATTR_TIMEOUT_MS == "lk.rpc_request_response_timeout_ms"


@pytest.mark.parametrize(
    ("response", "names"),
    [('["a"]', ["a"]), ("[]", []), ('["a", 1, null]', ["a"]), ('{"a": 1}', None), ("a", None), ("[" * 100_000, None)],
)
def test_parse_methods_keeps_names_and_ignores_invalid_lists(response: str, names: list[str] | None) -> None:
    assert wire.parse_methods(response) == names

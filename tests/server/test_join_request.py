"""Join requests in WebSocket URLs."""

from __future__ import annotations

import base64
import gzip
import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models, rtc
from livekit.server import limits
from livekit.server.admission import check_admission
from livekit.server.auth import AuthError
from livekit.server.join_request import as_publisher, check_allowed, check_query, parse_join
from livekit.server.room import JoinParameters
from tests.server.recording_link import grants, make_rooms

REQUEST = rtc.JoinRequest(
    client_info=models.ClientInfo(sdk=models.ClientInfo.PYTHON, protocol=17, client_protocol=2),
    metadata="m",
    participant_attributes={"a": "1", "empty": ""},
    publisher_offer=rtc.SessionDescription(type="offer", sdp="v=0", id=3),
    reconnect=True,
    participant_sid="PA_1",
    sync_state=rtc.SyncState(datachannel_receive_states=[rtc.DataChannelReceiveState(publisher_sid="x", last_seq=2)]),
)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def wrap(data: bytes, compression: rtc.WrappedJoinRequest.Compression = rtc.WrappedJoinRequest.NONE) -> str:
    return encode(rtc.WrappedJoinRequest(compression=compression, join_request=data).SerializeToString())


def parse_v1(encoded: str) -> JoinParameters:
    return parse_join({"join_request": encoded}, single_peer_connection=True)


def refusal(encoded: str) -> str:
    with pytest.raises(AuthError) as caught:
        parse_v1(encoded)
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize("zipped", [True, False])
def test_join_request_is_parsed_in_every_encoding(zipped: bool) -> None:
    data = REQUEST.SerializeToString()
    encoded = wrap(gzip.compress(data), rtc.WrappedJoinRequest.GZIP) if zipped else wrap(data)
    found = parse_v1(encoded)
    assert found.single_peer_connection
    assert found.client == REQUEST.client_info
    assert found.publisher_offer == REQUEST.publisher_offer
    assert (found.metadata, found.attributes) == ("m", {"a": "1", "empty": ""})
    assert (found.reconnect, found.participant_sid, found.sync_state) == (True, "PA_1", REQUEST.sync_state)


def test_join_request_without_offer() -> None:
    assert parse_v1(wrap(rtc.JoinRequest(metadata="m").SerializeToString())).publisher_offer is None


def test_missing_join_request() -> None:
    with pytest.raises(AuthError, match="join_request is required"):
        parse_join({}, single_peer_connection=True)


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        ("*", "base64"),
        ("a", "base64"),
        ("EgFh", "unmarshal join"),
        ("EgJhYg", "base64"),
        ("é", "base64"),
        (encode(b"\xff\xff"), "unmarshal wrapped"),
        (wrap(b"\xff\xff"), "unmarshal join"),
        (wrap(b"no gzip", rtc.WrappedJoinRequest.GZIP), "decompressed"),
        (wrap(gzip.compress(b"x" * 1000)[:-12], rtc.WrappedJoinRequest.GZIP), "decompressed"),
        ("A" * (limits.MAX_JOIN_REQUEST + 1), "too large"),
    ],
    ids=[
        "alphabet",
        "length",
        "padding given",
        "padding missing",
        "ascii",
        "wrapper",
        "request",
        "gzip",
        "cut",
        "long",
    ],
)
def test_malformed_join_request(encoded: str, message: str) -> None:
    assert message in refusal(encoded)


def test_decompression_stops_at_limit() -> None:
    fits = rtc.JoinRequest(metadata="m" * (limits.MAX_JOIN_REQUEST - 10)).SerializeToString()
    assert len(fits) <= limits.MAX_JOIN_REQUEST
    assert parse_v1(wrap(gzip.compress(fits), rtc.WrappedJoinRequest.GZIP)).metadata
    bomb = gzip.compress(bytes(100 * limits.MAX_JOIN_REQUEST), compresslevel=9)
    assert refusal(wrap(bomb, rtc.WrappedJoinRequest.GZIP)) == "join request too large"


def test_query_parameters() -> None:
    query = {
        "sdk": "python",
        "version": "1.2.1",
        "protocol": "17",
        "client_protocol": "1",
        "capabilities": "CAP_COMPRESSION_DEFLATE_RAW, CAP_OF_TOMORROW,",
        "reconnect": "1",
        "sid": "PA_1",
        "attributes": encode(json.dumps({"a": "1", "b": None, "c": ""}).encode()),
    }
    found = parse_join(query, single_peer_connection=False)
    assert not found.single_peer_connection
    assert (found.client.sdk, found.client.version) == (models.ClientInfo.PYTHON, "1.2.1")
    assert (found.client.protocol, found.client.client_protocol) == (17, 1)
    assert list(found.client.capabilities) == [models.ClientInfo.CAP_COMPRESSION_DEFLATE_RAW]
    assert (found.reconnect, found.participant_sid, found.attributes) == (True, "PA_1", {"a": "1", "b": "", "c": ""})
    assert found.new_attributes == {"a": "1"}


@pytest.mark.parametrize(
    ("name", "sdk"),
    [("js", models.ClientInfo.JS), ("reactnative", models.ClientInfo.REACT_NATIVE), ("huh", models.ClientInfo.UNKNOWN)],
)
def test_sdk_names_are_mapped(name: str, sdk: models.ClientInfo.SDK) -> None:
    assert parse_join({"sdk": name}, single_peer_connection=False).client.sdk == sdk


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "99999999999999999999", "\u0661"])
def test_malformed_numbers_are_zero(number: str) -> None:
    found = parse_join({"protocol": number, "client_protocol": number}, single_peer_connection=False)
    assert (found.client.protocol, found.client.client_protocol) == (0, 0)


@pytest.mark.parametrize(
    "attributes",
    ["*", encode(b"["), encode(b"[]"), encode(b'{"\\ud800": "x"}'), encode(b'{"a": 1, "b": "x"}'), "eyJhYiI6IjEifQ"],
)
def test_malformed_attributes_are_ignored_by_a_join_and_reported_by_validate(attributes: str) -> None:
    assert parse_join({"attributes": attributes}, single_peer_connection=False).attributes == {}
    with pytest.raises(AuthError, match="cannot decode attributes") as refused:
        check_query({"attributes": attributes})
    assert refused.value.status == 400


@pytest.mark.parametrize("attributes", ["", encode(b"null"), encode(b"{}")])
def test_no_attributes(attributes: str) -> None:
    check_query({"attributes": attributes})
    assert parse_join({"attributes": attributes}, single_peer_connection=False).attributes == {}


def test_publish_makes_a_second_participant_that_only_publishes() -> None:
    found = as_publisher(grants("alice"), {"publish": "screen"})
    assert (found.identity, found.permission.can_subscribe, found.permission.can_publish) == (
        "alice#screen",
        False,
        True,
    )
    with pytest.raises(AuthError, match="no permissions") as refused:
        as_publisher(grants("alice", canPublish=False), {"publish": "screen"})
    assert refused.value.status == 401
    with_request = {"publish": "screen", "join_request": wrap(rtc.JoinRequest(metadata="m").SerializeToString())}
    assert as_publisher(grants("alice"), with_request) == as_publisher(grants("alice"), {}) == grants("alice")


class TestAllowed:
    def test_metadata_and_attributes_require_grant(self) -> None:
        for given_ in (
            JoinParameters(client=models.ClientInfo(), metadata="m"),
            JoinParameters(client=models.ClientInfo(), attributes={"a": "1"}),
            JoinParameters(client=models.ClientInfo(), attributes={"a": ""}),
        ):
            with pytest.raises(AuthError, match="no permissions"):
                check_allowed(grants("alice"), given_)
            check_allowed(grants("alice", canUpdateOwnMetadata=True), given_)
        check_allowed(grants("alice"), JoinParameters(client=models.ClientInfo()))

    @pytest.mark.parametrize(
        ("metadata", "of_token", "of_request", "fits"),
        [
            ("m" * limits.MAX_METADATA, 0, 0, True),
            ("m" * (limits.MAX_METADATA + 1), 0, 0, False),
            ("", limits.MAX_ATTRIBUTES, 0, True),
            ("", limits.MAX_ATTRIBUTES + 1, 0, False),
            ("", limits.MAX_ATTRIBUTES // 2, limits.MAX_ATTRIBUTES // 2, True),
            ("", limits.MAX_ATTRIBUTES // 2, limits.MAX_ATTRIBUTES // 2 + 1, False),
        ],
    )
    def test_sizes(self, metadata: str, of_token: int, of_request: int, fits: bool) -> None:
        token = grants("alice", attributes={"t": "v" * (of_token - 1)} if of_token else {})
        attributes = {"r": "v" * (of_request - 1)} if of_request else {}
        request = JoinParameters(client=models.ClientInfo(), metadata=metadata, attributes=attributes)
        with nullcontext() if fits else pytest.raises(AuthError, match="connection closed by media") as refused:
            check_admission(make_rooms(), token, request)
        if refused is not None:
            assert refused.value.status == 500

    def test_metadata_and_name_of_a_token(self) -> None:
        check_admission(make_rooms(), grants("alice", name="n" * 20_000), JoinParameters(client=models.ClientInfo()))
        token = grants("alice", metadata="m" * (limits.MAX_METADATA + 1))
        with pytest.raises(AuthError, match="connection closed by media"):
            check_admission(make_rooms(), token, JoinParameters(client=models.ClientInfo()))
        check_admission(make_rooms(), token, JoinParameters(client=models.ClientInfo(), metadata="replaced"))


@given(data=st.binary(max_size=200), zipped=st.booleans())
def test_arbitrary_join_request_is_parsed_or_refused(data: bytes, zipped: bool) -> None:
    compression = rtc.WrappedJoinRequest.GZIP if zipped else rtc.WrappedJoinRequest.NONE
    for encoded in (encode(data), wrap(gzip.compress(data) if zipped else data, compression)):
        found: JoinParameters | AuthError
        try:
            found = parse_v1(encoded)
        except AuthError as error:
            found = error
        assert isinstance(found, JoinParameters) or found.status == 400


@pytest.mark.parametrize("value", ["1", "true", "", "0", "TRUE", "yes"])
def test_automatic_subscription_to_data_tracks_in_a_query(value: str) -> None:
    found = parse_join({"auto_subscribe_data_track": value}, single_peer_connection=False)
    assert found.auto_subscribe_data_track is (value in ("1", "true"))
    assert not parse_join({}, single_peer_connection=False).auto_subscribe_data_track


def test_automatic_subscription_to_data_tracks_in_a_join_request() -> None:
    request = rtc.JoinRequest(connection_settings=rtc.ConnectionSettings(auto_subscribe_data_track=True))
    assert parse_v1(wrap(request.SerializeToString())).auto_subscribe_data_track
    only_media = rtc.JoinRequest(connection_settings=rtc.ConnectionSettings(auto_subscribe=True))
    assert not parse_v1(wrap(only_media.SerializeToString())).auto_subscribe_data_track

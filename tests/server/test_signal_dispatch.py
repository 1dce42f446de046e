"""Signal requests of participants."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.server import limits
from livekit.server.room import JoinParameters
from tests.server.recording_link import EPOCH, Member, RecordingLink, grants, join, make_rooms

Reason = rtc.RequestResponse


def updating(
    *, name: str = "", metadata: str = "", attributes: dict[str, str] | None = None, request_id: int = 1
) -> rtc.SignalRequest:
    return rtc.SignalRequest(
        update_metadata=rtc.UpdateParticipantMetadata(
            name=name, metadata=metadata, attributes=attributes or {}, request_id=request_id
        )
    )


def test_ping_response_has_wall_time() -> None:
    bob = join(make_rooms(), "bob")
    bob.request(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=123, rtt=4)), 2.0)
    pong = bob.signal("pong_resp").pong_resp
    assert (pong.last_ping_timestamp, pong.timestamp) == (123, int((EPOCH + 2.0) * 1000))
    bob.request(rtc.SignalRequest(ping=5), 3.0)
    assert bob.signal("pong").pong == int((EPOCH + 3.0) * 1000)


def test_metadata_update_is_announced() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, grants("bob", canUpdateOwnMetadata=True))
    bob.request(updating(name="Bob", metadata="m", attributes={"a": "1", "b": "2"}))
    bob.request(updating(attributes={"a": "", "c": "3"}, request_id=2))
    for member in (alice, bob):
        info = member.signal("update").update.participants[0]
        assert (info.sid, info.name, info.metadata) == (bob.sid, "Bob", "m")
        assert dict(info.attributes) == {"b": "2", "c": "3"}
    response = bob.signal("request_response").request_response
    assert (response.request_id, response.reason) == (2, Reason.OK)


def test_metadata_update_requires_grant() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    _ = alice.updates()
    bob.request(updating(name="Bob"))
    response = bob.signal("request_response").request_response
    assert (response.reason, response.request_id) == (Reason.NOT_ALLOWED, 1)
    assert response.message == "does not have permission to update own metadata"
    assert alice.updates() == []


@pytest.mark.parametrize(
    "request_",
    [
        updating(name="n" * (limits.MAX_NAME + 1)),
        updating(metadata="m" * (limits.MAX_METADATA + 1)),
        updating(attributes={"k": "v" * limits.MAX_ATTRIBUTES}),
    ],
    ids=["name", "metadata", "attributes"],
)
def test_metadata_update_limits(request_: rtc.SignalRequest) -> None:
    bob = join(make_rooms(), grants("bob", canUpdateOwnMetadata=True))
    bob.request(request_)
    assert bob.signal("request_response").request_response.reason == Reason.LIMIT_EXCEEDED
    assert bob.participant.info().name == ""


def test_attribute_limit_applies_to_each_update_in_bytes() -> None:
    bob = join(make_rooms(), grants("bob", canUpdateOwnMetadata=True))
    reasons: list[int] = []
    for key, value in (("a", "v" * 40_000), ("b", "v" * 40_000), ("c", "v" * 65_535), ("d", "é" * 32_768)):
        bob.request(updating(attributes={key: value}))
        reasons.append(bob.signal("request_response").request_response.reason)
    assert reasons == [Reason.OK, Reason.OK, Reason.OK, Reason.LIMIT_EXCEEDED]
    assert sorted(bob.participant.info().attributes) == ["a", "b", "c"]


def test_all_attributes_together_are_limited() -> None:
    bob = join(make_rooms(), grants("bob", canUpdateOwnMetadata=True))
    value = "v" * (limits.MAX_ATTRIBUTES - 2)
    for number in range(limits.MAX_ALL_ATTRIBUTES // limits.MAX_ATTRIBUTES):
        bob.request(updating(attributes={f"{number:02}": value}))
        assert bob.signal("request_response").request_response.reason == Reason.OK
    bob.request(updating(attributes={"x": "x"}))
    assert bob.signal("request_response").request_response.reason == Reason.LIMIT_EXCEEDED
    bob.request(updating(attributes={"00": "", "x": "x"}))
    assert bob.signal("request_response").request_response.reason == Reason.OK


@pytest.mark.parametrize("update", [updating(name="Bob"), updating(metadata="m"), updating()])
def test_updates_that_change_nothing_are_not_announced(update: rtc.SignalRequest) -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, grants("bob", canUpdateOwnMetadata=True))
    bob.request(updating(name="Bob", metadata="m"))
    for member in (alice, bob):
        member.link.signals.clear()
    bob.request(update)
    assert bob.signal("request_response").request_response.reason == Reason.OK
    assert bob.kinds() == ["request_response"]
    assert alice.kinds() == []


def test_older_clients_receive_failures_only() -> None:
    rooms, link = make_rooms(), RecordingLink()
    client = JoinParameters(client=models.ClientInfo(protocol=14))
    room, participant = rooms.join(grants("old", canUpdateOwnMetadata=True), client, link, 0.0)
    old = Member(room, participant, link)
    old.request(updating(name="Old"))
    assert "request_response" not in old.kinds()
    old.request(updating(name="n" * (limits.MAX_NAME + 1)))
    assert "request_response" in old.kinds()


def test_unknown_and_empty_requests_are_ignored() -> None:
    bob = join(make_rooms(), "bob")
    before = len(bob.link.signals)
    bob.request(rtc.SignalRequest(), 4.0)
    bob.request(rtc.SignalRequest(update_layers=rtc.UpdateVideoLayers()), 5.0)
    assert len(bob.link.signals) == before
    assert bob.participant.last_signal_at == 5.0

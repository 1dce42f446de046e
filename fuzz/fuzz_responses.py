"""Fuzzes a joined room with a server's signal messages: only DecodeError is raised.

Run as `python -m fuzz.fuzz_responses [COUNT] [SEED]`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

from google.protobuf.message import DecodeError

from fuzz.fuzz_packets import Room
from fuzz.mutate import Fuzzer, Target
from livekit.protocol import models, rtc

ALLOWED = (DecodeError,)
_State = models.ParticipantInfo.State


def _seeds() -> Iterator[rtc.SignalResponse]:
    for state in (_State.JOINING, _State.ACTIVE, _State.DISCONNECTED):
        for identity in ("alice", "bob", "new"):
            track = models.DataTrackInfo(pub_handle=1, sid="DTR_1", name="track")
            info = models.ParticipantInfo(
                identity=identity, sid=f"PA_{identity}", state=state, metadata="m", attributes={"k": "v"}, version=3
            )
            info.data_tracks.append(track)
            info.permission.can_publish_data = True
            yield rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=[info]))
    yield rtc.SignalResponse(room_update=rtc.RoomUpdate(room=models.Room(sid="RM_1", name="demo", metadata="m")))
    quality = rtc.ConnectionQualityInfo(participant_sid="PA_bob", quality=models.ConnectionQuality.POOR)
    yield rtc.SignalResponse(connection_quality=rtc.ConnectionQualityUpdate(updates=[quality]))
    yield rtc.SignalResponse(refresh_token="token")
    yield rtc.SignalResponse(request_response=rtc.RequestResponse(request_id=1, reason=rtc.RequestResponse.NOT_ALLOWED))
    refused = rtc.RequestResponse(publish_data_track=rtc.PublishDataTrackRequest(pub_handle=1))
    yield rtc.SignalResponse(request_response=refused)
    moved = rtc.RoomMovedResponse(room=models.Room(name="other"), token="token")
    moved.participant.identity = "alice"
    moved.other_participants.add(identity="bob", sid="PA_bob2")
    yield rtc.SignalResponse(room_moved=moved)
    published = rtc.PublishDataTrackResponse(info=models.DataTrackInfo(pub_handle=1, sid="DTR_1", name="track"))
    yield rtc.SignalResponse(publish_data_track_response=published)
    yield rtc.SignalResponse(unpublish_data_track_response=rtc.UnpublishDataTrackResponse(info=published.info))
    handle = rtc.DataTrackSubscriberHandles.PublishedDataTrack(
        publisher_identity="bob", publisher_sid="PA_bob", track_sid="DTR_1"
    )
    handles = rtc.DataTrackSubscriberHandles(sub_handles={1: handle})
    yield rtc.SignalResponse(data_track_subscriber_handles=handles)


@contextlib.contextmanager
def open_target() -> Generator[Target]:
    room = Room()

    def target(data: bytes) -> None:
        message = rtc.SignalResponse.FromString(data)
        room.receive(lambda session: session.on_signal(message))

    try:
        yield target
    finally:
        room.close()


SEEDS = [message.SerializeToString() for message in _seeds()]
FUZZER = Fuzzer("responses", SEEDS, ALLOWED, open_target)

if __name__ == "__main__":
    FUZZER.main()

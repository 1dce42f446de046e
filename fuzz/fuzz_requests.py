"""Signal requests of participants, except for the transport: raises nothing but DecodeError, and limits hold.

Run as `python -m fuzz.fuzz_requests [COUNT] [SEED]`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from fuzz.mutate import Fuzzer
from fuzz.server_rooms import join_all
from livekit.protocol import models, rtc
from livekit.server import limits
from livekit.server.permissions import attributes_size
from livekit.server.signal_dispatch import handle
from livekit.webrtc.ice import Candidate

ALLOWED = (DecodeError,)
RENEW_EVERY = 200
"""Number of inputs after which the room is created again."""


class Room:
    """A room in which every participant sends every request."""

    def __init__(self) -> None:
        self._inputs = 0
        self._renew()

    def _renew(self) -> None:
        self._rooms, self._room, self._participants = join_all()

    def target(self, data: bytes) -> None:
        request = rtc.SignalRequest.FromString(data)
        self._inputs += 1
        if self._inputs % RENEW_EVERY == 0:
            self._renew()
        for participant in self._participants:
            handle(self._room, participant, request, float(self._inputs))
            self._check(participant.info())
        if request.trickle.candidateInit:
            with contextlib.suppress(ValueError):
                _ = Candidate.from_init(request.trickle.candidateInit)
        self._rooms.tick(float(self._inputs % RENEW_EVERY))

    def _check(self, info: models.ParticipantInfo) -> None:
        within = (
            len(info.name.encode()) <= limits.MAX_NAME
            and len(info.metadata.encode()) <= limits.MAX_METADATA
            and attributes_size(dict(info.attributes)) <= limits.MAX_ATTRIBUTES
            and len(info.data_tracks) <= limits.MAX_DATA_TRACKS
        )
        if not within:
            raise AssertionError(f"{info.identity} exceeds its limits")


def _seeds() -> Iterator[rtc.SignalRequest]:
    yield rtc.SignalRequest(ping=5)
    yield rtc.SignalRequest(ping_req=rtc.Ping(timestamp=5, rtt=6))
    yield rtc.SignalRequest(leave=rtc.LeaveRequest(reason=models.DisconnectReason.AGENT_ERROR))
    states = [rtc.DataChannelReceiveState(publisher_sid="PA_1", last_seq=7)]
    yield rtc.SignalRequest(sync_state=rtc.SyncState(datachannel_receive_states=states))
    update = rtc.UpdateParticipantMetadata(name="n", metadata="m", attributes={"k": "v", "empty": ""}, request_id=3)
    yield rtc.SignalRequest(update_metadata=update)
    yield rtc.SignalRequest(add_track=rtc.AddTrackRequest(cid="c", name="n"))
    yield rtc.SignalRequest(publish_data_track_request=rtc.PublishDataTrackRequest(pub_handle=1, name="track"))
    yield rtc.SignalRequest(unpublish_data_track_request=rtc.UnpublishDataTrackRequest(pub_handle=1))
    subscription = rtc.UpdateDataSubscription.Update(track_sid="DTR_5", subscribe=True)
    yield rtc.SignalRequest(update_data_subscription=rtc.UpdateDataSubscription(updates=[subscription]))
    candidate = '{"candidate": "candidate:1 1 udp 1 192.0.2.7 41057 typ host", "sdpMid": "0"}'
    yield rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit=candidate, target=rtc.PUBLISHER))


SEEDS = [request.SerializeToString() for request in _seeds()]
FUZZER = Fuzzer("requests", SEEDS, ALLOWED, lambda: contextlib.nullcontext(Room().target))

if __name__ == "__main__":
    FUZZER.main()

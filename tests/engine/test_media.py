"""The sections of tracks: reuse, and what the server sends in them."""

from __future__ import annotations

import pytest

from livekit.engine.media import MediaTransport, ReceivedTrack
from livekit.engine.pc_transport import PCTransport
from livekit.protocol import rtc
from livekit.testing.memory_peer import MemoryPeer
from livekit.webrtc.media_interfaces import Direction, MediaKind, MediaStreamId
from livekit.webrtc.transceiver import RtcTransceiver
from tests.engine.test_pc_transport import run_steps


class Ends:
    """The media of a client and the server's peer, which answers each offer."""

    def __init__(self) -> None:
        self.server = MemoryPeer()
        self.sent: list[rtc.SignalRequest] = []
        self.failures: list[str] = []
        self.transport = PCTransport(MemoryPeer(), rtc.PUBLISHER, self.sent.append, self.failures.append)
        self.media = MediaTransport(self.transport, None)
        self.begun: list[ReceivedTrack] = []
        self.ended: list[str] = []
        self.media.on_track = self.begun.append
        self.media.on_track_ended = self.ended.append
        self.tracks: dict[int, str] = {}
        """Sids of the tracks that the server sends, by index of the sections offered to receive."""
        self.server.on_offer = self._answer_sections

    def _answer_sections(self) -> None:
        receiving = [each for each in self.server.transceivers if each.remote_direction is Direction.RECVONLY]
        for each in self.server.transceivers:
            each.direction = Direction.RECVONLY if each.remote_direction.sends else Direction.INACTIVE
        for index, sid in self.tracks.items():
            receiving[index].direction = Direction.SENDONLY
            receiving[index].stream_id = MediaStreamId(f"PA_bob|{sid}", sid)

    async def negotiate(self) -> None:
        """Answer the client's offer."""
        await run_steps()
        offer = self.sent.pop().offer
        answer = await self.server.accept_offer(offer.sdp)
        mids = {each.mid or "": sid for each, sid in zip(self._sending(), self.tracks.values(), strict=True)}
        self.transport.handle_answer(
            rtc.SessionDescription(type="answer", sdp=answer, id=offer.id, mid_to_track_id=mids)
        )
        await run_steps()
        assert self.failures == []

    def _sending(self) -> list[RtcTransceiver]:
        return [each for each in self.server.transceivers if each.direction is Direction.SENDONLY]


@pytest.fixture
async def ends() -> Ends:
    return Ends()


async def test_section_is_used_again_once_the_server_knows_that_its_track_ended(ends: Ends) -> None:
    first = ends.media.send_audio("cid1", red=True, dtx=True, stereo=False)
    await ends.negotiate()
    assert first.current_direction is Direction.SENDONLY
    ssrc = first.ssrc
    ends.media.stop_sending(first)
    second = ends.media.send_audio("cid2", red=False, dtx=False, stereo=True)
    assert second is not first
    await ends.negotiate()
    third = ends.media.send_audio("cid3", red=True, dtx=True, stereo=False)
    assert third is first
    assert third.ssrc != ssrc
    await ends.negotiate()
    assert [each.stream_id for each in (first, second)] == [MediaStreamId("-", "cid3"), MediaStreamId("-", "cid2")]


async def test_options_are_in_the_codecs_of_a_section(ends: Ends) -> None:
    plain = ends.media.send_audio("a", red=False, dtx=False, stereo=False)
    full = ends.media.send_audio("b", red=True, dtx=True, stereo=True)
    assert [(codec.name, codec.parameters) for codec in plain.codecs] == [("opus", "minptime=10;useinbandfec=1")]
    assert [codec.name for codec in full.codecs] == ["opus", "red"]
    assert full.codecs[0].parameters == "minptime=10;useinbandfec=1;usedtx=1;stereo=1;sprop-stereo=1"


async def test_tracks_of_the_server_begin_and_end_with_their_sections(ends: Ends) -> None:
    ends.media.add_sections(rtc.MediaSectionsRequirement(num_audios=2, num_videos=3))
    await ends.negotiate()
    assert [each.kind for each in ends.server.transceivers] == [MediaKind.AUDIO] * 2
    assert ends.begun == []
    ends.tracks = {0: "TR_1", 1: "TR_2"}
    ends.media.add_sections(rtc.MediaSectionsRequirement())
    await ends.negotiate()
    assert [(each.sid, each.participant_sid) for each in ends.begun] == [("TR_1", "PA_bob"), ("TR_2", "PA_bob")]
    ends.tracks = {1: "TR_2"}
    ends.media.add_sections(rtc.MediaSectionsRequirement())
    await ends.negotiate()
    assert (ends.ended, list(ends.media.received_sids)) == (["TR_1"], ["TR_2"])
    ends.media.close()

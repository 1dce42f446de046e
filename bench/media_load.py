"""Participants that only exchange RTP: each publishes one audio track, and receives those of the others.

They neither encode nor decode, so that a server has the processor nearly to itself. Prints a line of JSON when all
tracks arrive everywhere, and after each line of input the numbers of packets that were sent and received so far.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import aiohttp

import livekit
from livekit.protocol import models, rtc
from livekit.webrtc import ChannelOptions, create_peer_connection
from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId, Transceiver
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI, MID_URI, AudioLevel, encode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport, SourceDescription

from .figures import say

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
FRAME = 0.02
"""Seconds."""
FRAME_SIZE = 100
"""Bytes of an Opus frame of 20 ms at 40 kbit/s."""
REPORT_EVERY = 100
"""Frames between two reports."""
LEVEL = AudioLevel(30, voice=True)
NTP_START = 3_000_000_000
PATIENCE = 20.0


class Arrivals:
    """Counts the tracks that have arrived at the participants."""

    def __init__(self, expected: int) -> None:
        self.reached = asyncio.Event()
        self._missing = expected

    def add(self) -> None:
        """Count one more."""
        self._missing -= 1
        if not self._missing:
            self.reached.set()


class Participant:
    """One participant with a single peer connection."""

    def __init__(self, number: int, publishes: bool, on_track: Callable[[], None]) -> None:
        """`on_track` is called when the first packet of a track arrives."""
        self.sent = 0
        self.received: dict[int, int] = {}
        """Packets by ssrc."""
        self._on_track = on_track
        self._cid = f"track-{number}"
        self._publishes = publishes
        self._pc = create_peer_connection()
        self._track: Transceiver | None = None
        self._extension = (0, b"")
        self._socket: aiohttp.ClientWebSocketResponse[bool] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._offers = 0
        self._number = number * 1000

    async def join(self, session: aiohttp.ClientSession, url: str, token: str, sections: int) -> None:
        """Connect, with `sections` free sections for the tracks of others."""
        self._pc.create_channel(ChannelOptions(label="_reliable"))
        for _ in range(sections):
            self._pc.add_transceiver(MediaKind.AUDIO, Direction.RECVONLY, [OPUS]).on_packet = self._receive
        request = rtc.JoinRequest(
            client_info=models.ClientInfo(sdk=models.ClientInfo.PYTHON, protocol=17),
            connection_settings=rtc.ConnectionSettings(auto_subscribe=True),
            publisher_offer=await self._offer(),
        )
        wrapped = rtc.WrappedJoinRequest(
            compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(request.SerializeToString())
        )
        query = urlencode({"join_request": base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()})
        address = url.replace("ws", "http", 1)
        self._socket = await session.ws_connect(
            f"{address}/rtc/v1?{query}", headers={"Authorization": f"Bearer {token}"}
        )
        self._reader = asyncio.create_task(self._read())
        if self._publishes:
            track = rtc.AddTrackRequest(
                cid=self._cid, name="audio", type=models.AUDIO, source=models.MICROPHONE, disable_red=True
            )
            await self._send(rtc.SignalRequest(add_track=track))

    async def _offer(self) -> rtc.SessionDescription:
        self._offers += 1
        return rtc.SessionDescription(type="offer", sdp=await self._pc.create_offer(), id=self._offers)

    async def _send(self, request: rtc.SignalRequest) -> None:
        assert self._socket is not None
        await self._socket.send_bytes(request.SerializeToString())

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                await self._handle(rtc.SignalResponse.FromString(message.data))

    async def _handle(self, response: rtc.SignalResponse) -> None:
        kind = response.WhichOneof("message")
        if kind == "answer":
            if response.answer.id in (0, self._offers):
                await self._pc.accept_answer(response.answer.sdp)
        elif kind == "trickle":
            with contextlib.suppress(ValueError):
                await self._pc.add_candidate(json.loads(response.trickle.candidateInit)["candidate"])
        elif kind == "track_published":
            self._track = self._pc.add_transceiver(
                MediaKind.AUDIO, Direction.SENDONLY, [OPUS], extensions=[MID_URI, AUDIO_LEVEL_URI]
            )
            self._track.stream_id = MediaStreamId("-", self._cid)
            await self._send(rtc.SignalRequest(offer=await self._offer()))
        elif kind == "media_sections_requirement":
            for _ in range(response.media_sections_requirement.num_audios):
                self._pc.add_transceiver(MediaKind.AUDIO, Direction.RECVONLY, [OPUS]).on_packet = self._receive
            await self._send(rtc.SignalRequest(offer=await self._offer()))

    def _receive(self, packet: RtpPacket, rid: str) -> None:
        count = self.received.get(packet.ssrc, 0)
        self.received[packet.ssrc] = count + 1
        if not count:
            self._on_track()

    def send_frame(self) -> None:
        """Send the next frame, if the track is negotiated."""
        track = self._track
        if track is None or not track.current_codecs or track.mid is None:
            return
        if not self._extension[0]:
            ids = ((AUDIO_LEVEL_URI, LEVEL.encode()), (MID_URI, track.mid.encode()))
            extensions = {track.extension_id(uri): data for uri, data in ids}
            self._extension = encode_extensions({number: data for number, data in extensions.items() if number})
        number = self._number + self.sent
        packet = RtpPacket(
            payload_type=track.current_codecs[0].payload_type,
            sequence_number=number & 0xFFFF,
            timestamp=960 * number & 0xFFFF_FFFF,
            ssrc=track.ssrc,
            payload=bytes([0xF8]) + bytes(FRAME_SIZE - 1),
            extension_profile=self._extension[0],
            extension=self._extension[1],
        )
        if track.send(packet):
            self.sent += 1
        if self.sent % REPORT_EVERY == 1:
            self._report(track, packet.timestamp)

    def _report(self, track: Transceiver, timestamp: int) -> None:
        elapsed = int(self.sent * FRAME * (1 << 32))
        blocks = [ReportBlock(ssrc=ssrc, highest_sequence_number=count) for ssrc, count in self.received.items()]
        report = SenderReport(
            ssrc=track.ssrc,
            ntp_timestamp=(NTP_START << 32) + elapsed,
            rtp_timestamp=timestamp,
            packet_count=self.sent,
            octet_count=self.sent * FRAME_SIZE,
            blocks=tuple(blocks[:31]),
        )
        self._pc.send_rtcp([report, SourceDescription(((track.ssrc, self._cid),))])

    def report_reception(self) -> None:
        """Send a receiver report, for a participant that publishes nothing."""
        if not self._publishes and self.received:
            blocks = [ReportBlock(ssrc=ssrc, highest_sequence_number=count) for ssrc, count in self.received.items()]
            self._pc.send_rtcp([ReceiverReport(ssrc=1, blocks=tuple(blocks[:31]))])

    async def close(self) -> None:
        """Leave."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        await self._pc.close()


async def send_frames(participants: list[Participant]) -> None:
    """Send each participant's frames at its own phase, as independent microphones do."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for count in _forever():
        index = count % len(participants)
        participants[index].send_frame()
        if count // len(participants) % REPORT_EVERY == 0:
            participants[index].report_reception()
        due += FRAME / len(participants)
        await asyncio.sleep(max(due - loop.time(), 0))


def _forever() -> Iterator[int]:
    count = 0
    while True:
        yield count
        count += 1


async def main(url: str, tokens: list[str], publishers: int) -> None:
    arrivals = Arrivals(publishers * (len(tokens) - 1))
    participants = [Participant(number, number < publishers, arrivals.add) for number in range(len(tokens))]
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        for participant, token in zip(participants, tokens, strict=True):
            stack.push_async_callback(participant.close)
            await participant.join(session, url, token, publishers)
        sending = asyncio.create_task(send_frames(participants))
        try:
            await asyncio.wait_for(arrivals.reached.wait(), PATIENCE)
            while True:
                sent = sum(participant.sent for participant in participants)
                received = sum(sum(participant.received.values()) for participant in participants)
                say(sent=sent, received=received)
                if not await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
                    return
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


if __name__ == "__main__":
    livekit.run(main(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])))

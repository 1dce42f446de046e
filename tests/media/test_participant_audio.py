"""Streams of a participant's microphone, in a room of the embedded server."""

from __future__ import annotations

import asyncio
from array import array

from livekit import rtc
from livekit.server import DevServer

PCM = array("h", [9000, -9000] * 240).tobytes()


async def _publish(room: rtc.Room) -> tuple[rtc.AudioSource, rtc.LocalTrackPublication]:
    source = rtc.AudioSource(48_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    return source, await room.local_participant.publish_track(track, options)


async def _hear(source: rtc.AudioSource, stream: rtc.AudioStream) -> None:
    """Speak until it is heard."""
    async for event in stream:
        await source.capture_frame(rtc.AudioFrame(PCM, 48_000, 1, 480))
        if max(event.frame.data) > 3000:
            return
    raise AssertionError("the stream has ended")


async def test_stream_waits_for_the_track_follows_the_next_one_and_ends_with_the_participant() -> None:
    async with DevServer(port=0) as server, rtc.Room() as bob:
        async with rtc.Room() as alice:
            joined: asyncio.Future[rtc.RemoteParticipant] = asyncio.get_running_loop().create_future()
            bob.on("participant_connected", joined.set_result)
            await bob.connect(server.url, server.token("bob", room="room"))
            await alice.connect(server.url, server.token("alice", room="room"))
            remote = await asyncio.wait_for(joined, 20)
            microphone = rtc.TrackSource.SOURCE_MICROPHONE
            stream = rtc.AudioStream.from_participant(participant=remote, track_source=microphone)
            other = rtc.AudioStream.from_participant(
                participant=remote, track_source=rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO
            )
            own = rtc.AudioStream.from_participant(participant=alice.local_participant, track_source=microphone)
            for _ in range(2):
                source, publication = await _publish(alice)
                await asyncio.wait_for(asyncio.gather(_hear(source, stream), _hear(source, own)), 20)
                await alice.local_participant.unpublish_track(publication.sid)
                await source.aclose()
        # Alice has left.
        for ended in (stream, other, own):
            async for _ in ended:
                """What was queued before the end."""
            await ended.aclose()

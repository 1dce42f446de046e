"""Publishing, subscribing and hearing audio tracks, in memory and on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from livekit import (
    AudioSource,
    AudioStream,
    E2EEOptions,
    EncryptionState,
    EncryptionType,
    KeyProviderOptions,
    LocalAudioTrack,
    LocalTrackPublication,
    RemoteAudioTrack,
    RemoteTrackPublication,
    Room,
    RoomOptions,
    SimulateScenarioKind,
    TrackPublishOptions,
    TrackSource,
)
from livekit.errors import SessionClosedError
from livekit.media.publisher import PublishTrackError, UnpublishTrackError
from livekit.messages import ParticipantTrackPermission
from livekit.protocol import models
from livekit.testing import Faults, RoomEnvironment
from tests.media.tones import HEARING_RATE, Listener, tone
from tests.support.rooms import once

TRACK_EVENTS = (
    "local_track_published", "local_track_unpublished", "local_track_republished", "local_track_subscribed",
    "track_published", "track_unpublished", "track_subscribed", "track_unsubscribed", "track_muted", "track_unmuted",
    "participant_connected", "participant_disconnected", "reconnecting", "reconnected", "disconnected",
)  # fmt: skip
MICROPHONE = TrackPublishOptions(source=TrackSource.SOURCE_MICROPHONE)


def record(room: Room) -> list[str]:
    """Return a list to which the names of the room's events of tracks are appended."""
    names: list[str] = []

    def recorder(name: str) -> Callable[[], None]:
        return lambda: names.append(name)

    for name in TRACK_EVENTS:
        room.on(name, recorder(name))  # type: ignore[call-overload]  # any event
    return names


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true. Raises TimeoutError after 10 s."""
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def only(room: Room, identity: str) -> RemoteTrackPublication:
    (publication,) = room.remote_participants[identity].track_publications.values()
    return publication


async def test_published_tone_is_heard_until_it_is_unpublished(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    alice_events, bob_events = record(alice), record(bob)
    subscribed = once(bob, "track_subscribed")
    async with tone(400) as track:
        publication = await alice.local_participant.publish_track(track, MICROPHONE)
        assert alice_events == []  # `local_track_published` follows
        assert (publication.track, publication.source) == (track, TrackSource.SOURCE_MICROPHONE)
        assert alice.local_participant.track_publications == {track.sid: publication}
        remote_track, remote_publication, participant = await subscribed
        await publication.wait_for_subscription()
        assert participant is bob.remote_participants["alice"]
        assert participant.track_publications == {track.sid: remote_publication}
        assert (remote_track.sid, remote_track.name) == (publication.sid, "400 Hz")
        assert remote_publication.subscribed
        listener = Listener(remote_track)
        await listener.until(400)
        await alice.local_participant.unpublish_track(publication.sid)
        assert (publication.track, alice.local_participant.track_publications) == (None, {})
        await listener.until_end()
        await until(lambda: "track_unpublished" in bob_events)
    assert alice_events == ["local_track_published", "local_track_subscribed", "local_track_unpublished"]
    assert bob_events == ["track_published", "track_subscribed", "track_unsubscribed", "track_unpublished"]
    assert not remote_publication.subscribed


async def test_track_of_a_participant_that_was_there_before_is_subscribed_without_track_published(
    environment: RoomEnvironment,
) -> None:
    alice = await environment.join("alice")
    async with tone(300) as track:
        await alice.local_participant.publish_track(track)
        await until(lambda: alice.local_participant.track_publications)
        await asyncio.sleep(0.2)  # the track is announced
        bob = Room()
        events = record(bob)
        subscribed = once(bob, "track_subscribed")
        await environment._connect(bob, "bob", None, {})
        assert only(bob, "alice").name == "300 Hz"
        remote_track, _, _ = await subscribed
        await Listener(remote_track).until(300)
        assert events == ["track_subscribed"]


async def test_muted_track_is_silent(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(500) as track:
        publication = await alice.local_participant.publish_track(track)
        remote_track, remote_publication, _ = await subscribed
        listener = Listener(remote_track)
        await listener.until(500)
        events, local_events = once(bob, "track_muted"), once(alice, "track_muted")
        track.mute()
        track.mute()
        assert await local_events == (alice.local_participant, publication)
        assert await events == (bob.remote_participants["alice"], remote_publication)
        assert (publication.muted, remote_publication.muted, remote_track.muted) == (True, True, True)
        await listener.until(None)
        events = once(bob, "track_unmuted")
        track.unmute()
        await events
        assert not remote_track.muted
        await listener.until(500)


async def test_old_stream_goes_on_with_a_new_subscription(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(600) as track:
        await alice.local_participant.publish_track(track)
        remote_track, publication, participant = await subscribed
        listener = Listener(remote_track)
        await listener.until(600)
        unsubscribed = once(bob, "track_unsubscribed")
        publication.set_subscribed(False)
        assert await unsubscribed == (remote_track, publication, participant)
        assert (publication.track, publication.subscribed) == (None, False)
        subscribed = once(bob, "track_subscribed")
        publication.set_subscribed(True)
        new_track, _, _ = await subscribed
        assert new_track is not remote_track
        await listener.until(600)
        await Listener(new_track).until(600)


async def test_without_auto_subscribe_tracks_are_subscribed_on_request(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    bob = await environment.join("bob", options=RoomOptions(auto_subscribe=False))
    published, subscribed = once(bob, "track_published"), once(bob, "track_subscribed")
    async with tone(700) as track:
        await alice.local_participant.publish_track(track)
        publication, _ = await published
        await asyncio.sleep(0.3)
        assert not publication.subscribed
        publication.set_subscribed(True)
        remote_track, _, _ = await subscribed
        await Listener(remote_track).until(700)


@pytest.mark.parametrize("single", [True, False], ids=["single", "dual"])
async def test_several_tracks_in_both_directions(environment: RoomEnvironment, single: bool) -> None:
    options = RoomOptions(single_peer_connection=single)
    rooms = [await environment.join(name, options=options) for name in ("alice", "bob")]
    heard: dict[str, Listener] = {}

    def listen(track: RemoteAudioTrack, *_: object) -> None:
        heard[track.name] = Listener(track)

    for room in rooms:
        room.on("track_subscribed", listen)
    async with tone(300) as a, tone(400) as b, tone(500) as c, tone(600) as d:
        for room, track in zip([*rooms, *rooms], (a, b, c, d), strict=True):
            await room.local_participant.publish_track(track)
        await until(lambda: len(heard) == 4)
        for track in (a, b, c, d):
            await heard[track.name].until(int(track.name.split()[0]))


async def test_full_reconnect_publishes_tracks_again(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(300) as track, tone(400) as other:
        publication = await alice.local_participant.publish_track(track, MICROPHONE)
        await subscribed
        subscribed = once(alice, "track_subscribed")
        await bob.local_participant.publish_track(other)
        heard_by_alice = Listener((await subscribed)[0])
        await heard_by_alice.until(400)
        events = record(alice)
        before, reconnected = publication.sid, once(alice, "reconnected")
        republished, subscribed = once(alice, "local_track_republished"), once(bob, "track_subscribed")
        await alice.simulate_scenario(SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
        assert await republished == (publication, before)
        await reconnected
        assert publication.sid != before
        assert publication.sid == track.sid
        assert alice.local_participant.track_publications == {publication.sid: publication}
        await Listener((await subscribed)[0]).until(300)
        await heard_by_alice.until(400)
    local = [name for name in events if name.startswith(("local", "re"))]
    assert local[:3] == ["reconnecting", "local_track_republished", "reconnected"]


async def test_resume_keeps_tracks(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(300) as track:
        publication = await alice.local_participant.publish_track(track)
        listener = Listener((await subscribed)[0])
        await listener.until(300)
        events, sid = record(alice), publication.sid
        reconnected = once(alice, "reconnected")
        await alice.simulate_scenario(SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
        await reconnected
        assert publication.sid == sid
        await listener.until(300)
        assert events == ["reconnecting", "reconnected"]


async def test_disconnecting_ends_tracks_and_streams(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(300) as track:
        publication = await alice.local_participant.publish_track(track)
        remote_track, _, _ = await subscribed
        bobs = Listener(remote_track)
        alice_events, bob_events = record(alice), record(bob)
        await alice.disconnect()
        assert alice_events == ["local_track_unpublished", "disconnected"]
        assert publication.track is None
        await until(lambda: "participant_disconnected" in bob_events)
        assert bob_events == ["track_unsubscribed", "track_unpublished", "participant_disconnected"]
        await bobs.until_end()
        with pytest.raises(PublishTrackError, match="not connected"):
            await alice.local_participant.publish_track(track)
        with pytest.raises(UnpublishTrackError, match="not connected"):
            await alice.local_participant.unpublish_track(publication.sid)


async def test_what_the_token_does_not_grant_is_refused_at_once(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice", can_publish=False)
    track = LocalAudioTrack.create_audio_track("mic", AudioSource(48_000, 1))
    with pytest.raises(PublishTrackError, match="canPublish"):
        await alice.local_participant.publish_track(track, MICROPHONE)
    await track._source.aclose()


async def test_a_track_is_published_once(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    async with tone(300) as track:
        publication = await alice.local_participant.publish_track(track)
        with pytest.raises(PublishTrackError, match="already"):
            await alice.local_participant.publish_track(track)
        await alice.local_participant.unpublish_track(publication.sid)
        again = await alice.local_participant.publish_track(track)
        assert again.sid != publication.sid
        with pytest.raises(UnpublishTrackError, match=publication.sid):
            await alice.local_participant.unpublish_track(publication.sid)


async def test_publications_can_be_repeated_without_growing(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    for frequency in (300, 400, 500, 600):
        async with tone(frequency) as track:
            subscribed = once(bob, "track_subscribed")
            publication = await alice.local_participant.publish_track(track)
            await Listener((await subscribed)[0]).until(frequency)
            unpublished = once(bob, "track_unpublished")
            await alice.local_participant.unpublish_track(publication.sid)
            await unpublished
            await asyncio.sleep(0.2)
    assert alice._session is not None
    media = alice._session.engine.media
    assert media is not None
    assert len(media._connection.transceivers) == 1


async def test_subscription_permissions_are_applied(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    async with tone(300) as track:
        alice.local_participant.set_track_subscription_permissions(allow_all_participants=False)
        published, subscribed = once(bob, "track_published"), once(bob, "track_subscribed")
        publication = await alice.local_participant.publish_track(track)
        remote, _ = await published
        await asyncio.sleep(0.3)
        assert not remote.subscribed
        permission = ParticipantTrackPermission(participant_identity="bob", allowed_track_sids=[publication.sid])
        alice.local_participant.set_track_subscription_permissions(
            allow_all_participants=False, participant_permissions=[permission]
        )
        await Listener((await subscribed)[0]).until(300)


async def test_waiting_for_a_subscription_ends_with_the_room(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    async with tone(300) as track:
        publication: LocalTrackPublication = await alice.local_participant.publish_track(track)
        waiting = asyncio.ensure_future(publication.wait_for_subscription())
        await asyncio.sleep(0)
        await alice.disconnect()
        with pytest.raises(SessionClosedError, match="unpublished"):
            await waiting


async def test_options_are_announced(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    published = once(bob, "track_published")
    options = TrackPublishOptions(
        source=TrackSource.SOURCE_SCREENSHARE_AUDIO, dtx=False, red=False, stream="screen", preconnect_buffer=True
    )
    async with tone(300, channels=2) as track:
        await alice.local_participant.publish_track(track, options)
        publication, _ = await published
        info = publication._info
        assert publication.source == TrackSource.SOURCE_SCREENSHARE_AUDIO
        assert (info.disable_red, info.stream, info.stereo) == (True, "screen", True)
        assert publication.mime_type == "audio/opus"
        assert set(info.audio_features) >= {
            models.AudioTrackFeature.TF_STEREO,
            models.AudioTrackFeature.TF_NO_DTX,
            models.AudioTrackFeature.TF_PRECONNECT_BUFFER,
        }


async def test_stream_of_a_participant_hears_its_tracks_one_after_another(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    participant = bob.remote_participants["alice"]
    stream = AudioStream.from_participant(
        participant=participant, track_source=TrackSource.SOURCE_MICROPHONE, sample_rate=HEARING_RATE
    )
    listener = Listener(stream)
    for frequency in (300, 400):
        async with tone(frequency) as track, tone(900) as other:
            publication = await alice.local_participant.publish_track(track, MICROPHONE)
            await alice.local_participant.publish_track(other)
            await listener.until(frequency)
            await alice.local_participant.unpublish_track(publication.sid)
    await listener.aclose()


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_tracks_survive_the_loss_of_the_server(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(300) as track:
        publication = await alice.local_participant.publish_track(track)
        listener = Listener((await subscribed)[0])
        await listener.until(300)
        republished, subscribed = once(alice, "local_track_republished"), once(bob, "track_subscribed")
        environment.memory.restart(downtime=1.0)
        assert (await republished)[0] is publication
        await listener.until_end()
        await Listener((await subscribed)[0]).until(300)


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_tone_goes_on_after_the_path_is_lost(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(300) as track:
        await alice.local_participant.publish_track(track)
        remote_track, _, _ = await subscribed
        listener = Listener(remote_track)
        await listener.until(300)
        reconnected, events = once(bob, "reconnected"), record(bob)
        environment.memory.lose_transport("bob")
        await reconnected
        await listener.until(300)
        assert remote_track.sid == only(bob, "alice").sid
        assert events == ["reconnecting", "reconnected"]


async def test_encrypted_tone_is_heard_with_the_key_only(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice", options=encrypted(b"secret"))
    bob = await environment.join("bob", options=encrypted(b"secret"))
    carol = await environment.join("carol", options=encrypted(b"another"))
    dave = await environment.join("dave")
    heard = [once(room, "track_subscribed") for room in (bob, carol, dave)]
    states = once(carol, "e2ee_state_changed")
    async with tone(300) as track:
        await alice.local_participant.publish_track(track)
        listeners = [Listener((await each)[0]) for each in heard]
        await listeners[0].until(300)
        participant, state = await states
        assert (participant.identity, state) == ("alice", EncryptionState.DECRYPTION_FAILED)
        for listener in listeners[1:]:
            for _ in range(5):
                await listener.until(None)
        assert only(bob, "alice").encryption_type == EncryptionType.GCM
        assert only(bob, "alice").mime_type == "audio/opus"


def encrypted(key: bytes) -> RoomOptions:
    keys = KeyProviderOptions(shared_key=key, ratchet_window_size=0)
    return RoomOptions(encryption=E2EEOptions(key_provider_options=keys))


@pytest.mark.parametrize("environment", ["memory"], indirect=True)
async def test_tone_survives_loss_delay_and_duplicates(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    environment.memory.faults_of["bob"] = Faults(loss=0.05, delay=0.05, jitter=0.02, duplicate=0.1)
    subscribed = once(bob, "track_subscribed")
    async with tone(400) as track:
        await alice.local_participant.publish_track(track)
        listener = Listener((await subscribed)[0])
        for _ in range(20):
            await listener.until(400)


async def test_local_stream_gives_the_source(environment: RoomEnvironment) -> None:
    async with tone(800) as track:
        listener = Listener(track)
        await listener.until(800)
        await listener.aclose()
    stream = AudioStream(track)
    await stream.aclose()


async def test_statistics_of_tracks(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    subscribed = once(bob, "track_subscribed")
    async with tone(300) as track:
        assert await track.get_stats() == []
        publication = await alice.local_participant.publish_track(track)
        remote_track, _, _ = await subscribed
        await Listener(remote_track).until(300)
        sent = {each.WhichOneof("stats") for each in await track.get_stats()}
        received = {each.WhichOneof("stats") for each in await remote_track.get_stats()}
        assert sent >= {"candidate_pair", "transport", "codec", "outbound_rtp", "media_source"}
        assert received >= {"candidate_pair", "transport", "codec", "inbound_rtp"}
        room_stats = [each.WhichOneof("stats") for each in (await alice.get_rtc_stats()).publisher_stats]
        assert room_stats.count("outbound_rtp") == room_stats.count("candidate_pair") == 1
        await alice.local_participant.unpublish_track(publication.sid)
        assert await track.get_stats() == []

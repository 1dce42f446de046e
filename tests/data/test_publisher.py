"""Packets between rooms."""

from __future__ import annotations

import asyncio

import pytest

from livekit import DataPacketKind, Room, RoomOptions, Transcription, TranscriptionSegment
from livekit.data import ChatMessage, DataPacket, SipDTMF
from livekit.e2ee import E2EEOptions, KeyProviderOptions
from livekit.local_participant import PublishDataError, PublishDTMFError, PublishTranscriptionError
from livekit.testing import RoomEnvironment
from tests.support.mailbox import Mailbox, next_args


def received(room: Room) -> Mailbox[DataPacket]:
    mailbox: Mailbox[DataPacket] = Mailbox()
    room.on("data_received", mailbox.put)
    return mailbox


@pytest.mark.parametrize("payload", ["text é", b"\x00\xff", b""])
async def test_data_with_topic_and_sender(environment: RoomEnvironment, payload: str | bytes) -> None:
    alice, bob = await environment.pair()
    inbox = received(bob)
    await alice.local_participant.publish_data(payload, topic="news")
    packet = await inbox.get()
    assert packet.data == (payload.encode() if isinstance(payload, str) else payload)
    assert (packet.topic, packet.kind) == ("news", DataPacketKind.KIND_RELIABLE)
    assert packet.participant is bob.remote_participants["alice"]


async def test_lossy_data(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    inbox = received(bob)
    await alice.local_participant.publish_data(b"once", reliable=False)
    packet = await inbox.get()
    assert (packet.data, packet.kind) == (b"once", DataPacketKind.KIND_LOSSY)


async def test_only_named_destinations_receive_the_packet(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    carol = await environment.join("carol")
    await environment.wait_for(carol, "alice")
    to_bob, to_carol = received(bob), received(carol)
    await alice.local_participant.publish_data(b"bob", destination_identities=["bob"])
    await alice.local_participant.publish_data(b"all")
    assert (await to_carol.get()).data == b"all"
    assert [(await to_bob.get()).data, (await to_bob.get()).data] == [b"bob", b"all"]


@pytest.mark.parametrize("reliable", [True, False])
async def test_channel_stays_usable_after_oversized_packets(environment: RoomEnvironment, reliable: bool) -> None:
    alice, bob = await environment.pair()
    inbox = received(bob)
    for size in (64_000, 65_536, 1_000_000):
        with pytest.raises(PublishDataError, match="limit of 6"):
            await alice.local_participant.publish_data(b"x" * size, reliable=reliable)
    await alice.local_participant.publish_data(b"x" * 63_900)
    assert len((await inbox.get()).data) == 63_900


async def test_concurrent_packets_arrive_in_order(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    inbox = received(bob)
    payloads = [b"%d " % number * 2_000 for number in range(500)]
    await asyncio.gather(*(alice.local_participant.publish_data(payload) for payload in payloads))
    assert [(await inbox.get()).data for _ in payloads] == payloads


async def test_publishing_without_the_grant_raises(environment: RoomEnvironment) -> None:
    mute = await environment.join("mute", can_publish_data=False)
    with pytest.raises(PublishDataError, match="canPublishData"):
        await mute.local_participant.publish_data(b"x")


async def test_publishing_after_disconnecting_raises(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    local = alice.local_participant
    await alice.disconnect()
    with pytest.raises(PublishDataError, match="not connected") as caught:
        await local.publish_data(b"x")
    assert "not connected" in caught.value.message
    with pytest.raises(PublishDTMFError):
        await local.publish_dtmf(code=1, digit="1")
    with pytest.raises(PublishTranscriptionError):
        await local.publish_transcription(Transcription("alice", "", []))


async def test_dtmf_arrives_with_its_sender(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    events = bob.events("sip_dtmf_received")
    await alice.local_participant.publish_dtmf(code=11, digit="#")
    assert await next_args(events) == (SipDTMF(11, "#", bob.remote_participants["alice"]),)


async def test_transcription_of_an_agent(environment: RoomEnvironment) -> None:
    agent, bob = await environment.join("agent", kind="agent"), await environment.join("bob")
    await environment.wait_for(bob, "agent")
    events = bob.events("transcription_received")
    segment = TranscriptionSegment(id="s", text="hi", start_time=1, end_time=2, language="en", final=True)
    await agent.local_participant.publish_transcription(Transcription("bob", "TR_1", [segment]))
    assert await next_args(events) == ([segment], bob.local_participant, None)


async def test_chat_message_and_its_edit(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    events = bob.events("chat_message_received")
    sent = await alice.local_participant.send_chat_message("helo")
    (first,) = await next_args(events)
    await alice.local_participant.send_chat_message("hello", replaces=sent)
    (second,) = await next_args(events)
    assert isinstance(first, ChatMessage)
    assert isinstance(second, ChatMessage)
    assert (first.id, first.message, first.edit_timestamp) == (sent.id, "helo", None)
    assert (second.id, second.message, second.timestamp) == (sent.id, "hello", first.timestamp)
    assert second.edit_timestamp is not None
    assert second.participant is bob.remote_participants["alice"]


async def test_encrypted_packets_and_encryption_events(environment: RoomEnvironment) -> None:
    def options(key: bytes) -> RoomOptions:
        return RoomOptions(encryption=E2EEOptions(KeyProviderOptions(shared_key=key)))

    bob = await environment.join("bob", options=options(b"right"))
    alice, eve = (
        await environment.join("alice", options=options(b"right")),
        await environment.join("eve", options=options(b"no")),
    )
    await environment.wait_for(bob, "alice")
    await environment.wait_for(bob, "eve")
    inbox = received(bob)
    events = bob.events("e2ee_state_changed", "participant_encryption_status_changed")
    await eve.local_participant.publish_data(b"wrong key")
    assert await next_args(events) == (bob.remote_participants["eve"], 3)
    await alice.local_participant.publish_data(b"secret")
    assert await next_args(events) == (bob.remote_participants["alice"], 1)
    assert await next_args(events) == (bob.remote_participants["alice"], True)
    assert (await inbox.get()).data == b"secret"
    assert inbox.is_empty


async def test_publishing_without_a_key_raises(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice", options=RoomOptions(encryption=E2EEOptions()))
    events = alice.events("e2ee_state_changed")
    with pytest.raises(PublishDataError, match="no encryption key"):
        await alice.local_participant.publish_data(b"x")
    assert await next_args(events) == (alice.local_participant, 4)

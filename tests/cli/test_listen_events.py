"""Output of events that `livekit listen` prints, with a room in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from livekit import Room, SimulateScenarioKind, Transcription, TranscriptionSegment
from livekit.cli.listen_events import Listener, TextListener
from livekit.protocol import models, rtc
from livekit.testing import RoomEnvironment
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.parametrize("environment", ["memory"], indirect=True)

Printed = dict[str, Any]


@pytest.fixture
def printed() -> Mailbox[Printed]:
    return Mailbox()


@pytest.fixture
def listen(printed: Mailbox[Printed], monkeypatch: pytest.MonkeyPatch) -> Callable[[Room], Listener]:
    """Return a function that prints the events of a room as JSON; `printed` receives each without its time."""

    def record(line: str, *, flush: bool) -> None:
        assert flush
        entry = json.loads(line)
        assert entry.pop("time").endswith("Z")
        printed.put(entry)

    def listen(room: Room) -> Listener:
        listener = Listener(asyncio.Event(), as_json=True)
        listener.listen_to(room)
        return listener

    monkeypatch.setattr("livekit.cli.listen_events.print", record, raising=False)
    return listen


async def test_packets_are_printed_with_their_sender(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    alice, bob = await environment.pair()
    listen(alice)
    await bob.local_participant.send_chat_message("hi")
    assert await printed.get() == {"event": "chat_message_received", "from": "bob", "message": "hi", "deleted": False}
    await bob.local_participant.publish_dtmf(code=5, digit="5")
    assert await printed.get() == {"event": "sip_dtmf_received", "from": "bob", "code": 5, "digit": "5"}


async def test_transcriptions_are_printed_with_the_speaker(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    agent, alice = await environment.join("agent", kind="agent"), await environment.join("alice")
    await environment.wait_for(alice, "agent")
    listen(alice)
    segment = TranscriptionSegment(id="1", text="hello", start_time=0, end_time=1, language="en", final=True)
    await agent.local_participant.publish_transcription(Transcription("alice", "TR_1", [segment]))
    assert await printed.get() == {
        "event": "transcription_received",
        "identity": "alice",
        "segments": [{"text": "hello", "final": True}],
    }


async def test_name_and_room_metadata_changes_are_printed(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    alice, bob = await environment.join("alice"), await environment.join("bob", can_update_own_metadata=True)
    listen(alice)
    await bob.local_participant.set_name("Bob")
    assert await printed.get() == {"event": "participant_name_changed", "identity": "bob", "name": "Bob"}
    update = rtc.RoomUpdate(room=models.Room(metadata="new"))
    alice._require_session().on_signal(rtc.SignalResponse(room_update=update))
    assert await printed.get() == {"event": "room_metadata_changed", "metadata": "new"}


async def test_reconnects_are_printed_without_fields(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    alice = await environment.join("alice")
    listen(alice)
    await alice.simulate_scenario(SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
    assert [await printed.get(), await printed.get()] == [{"event": "reconnecting"}, {"event": "reconnected"}]


async def test_disconnect_is_printed_with_its_reason_and_stops(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    alice = await environment.join("alice")
    listener = listen(alice)
    environment.memory.remove("alice")
    assert await printed.get() == {"event": "disconnected", "reason": "PARTICIPANT_REMOVED"}
    assert listener.disconnect_reason == "PARTICIPANT_REMOVED"
    assert listener._stop.is_set()


async def test_text_stream_of_a_sender_that_left_is_printed_as_an_error(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    alice, bob = await environment.pair()
    alice.register_text_stream_handler("t", TextListener(Listener(asyncio.Event(), as_json=True).show))
    listen(alice)
    writer = await bob.local_participant.stream_text(topic="t")
    await writer.write("half of ")
    await bob.disconnect()
    entries = {entry["event"]: entry for entry in [await printed.get(), await printed.get()]}
    text = entries["text_received"]
    assert (text["from"], text["topic"], "text" in text) == ("bob", "t", False)
    assert text["error"]


async def test_closing_cancels_readers_of_unfinished_texts(
    environment: RoomEnvironment, listen: Callable[[Room], Listener], printed: Mailbox[Printed]
) -> None:
    alice, bob = await environment.pair()
    texts = TextListener(listen(alice).show)
    alice.register_text_stream_handler("t", texts)
    await bob.local_participant.stream_text(topic="t")
    await bob.local_participant.send_chat_message("after")
    await printed.get()
    assert len(texts._readers) == 1
    await texts.aclose()
    assert not texts._readers
    assert printed.is_empty

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livekit.engine.sequencer import (
    MAX_RECEIVE_STATES,
    MAX_SEQUENCE_SIZE,
    RECEIVE_STATE_TTL,
    ReceiveStates,
    ResendBuffer,
    append_sequence,
)
from livekit.protocol import models

PACKET = models.DataPacket(user=models.UserPacket(payload=b"x" * 100)).SerializeToString()


@given(payload=st.binary(), sequence=st.integers(1, 2**32 - 1))
def test_appended_sequence_is_parsed_as_part_of_the_packet(payload: bytes, sequence: int) -> None:
    packet = models.DataPacket(user=models.UserPacket(payload=payload))
    plain = packet.SerializeToString()
    packet.sequence = sequence
    data = append_sequence(plain, sequence)
    assert models.DataPacket.FromString(data) == packet
    assert len(data) - len(plain) <= MAX_SEQUENCE_SIZE


def test_sequence_starts_at_one() -> None:
    buffer = ResendBuffer()
    sent = [buffer.append(PACKET) for _ in range(3)]
    assert [packet.sequence for packet in sent] == [1, 2, 3]
    assert [models.DataPacket.FromString(packet.data).sequence for packet in sent] == [1, 2, 3]


def test_undone_sequence_is_used_by_the_next_packet() -> None:
    buffer = ResendBuffer()
    buffer.append(PACKET)
    buffer.append(PACKET)
    buffer.undo_append()
    assert buffer.append(PACKET).sequence == 2
    assert [packet.sequence for packet in buffer.unacknowledged()] == [1, 2]


def test_acknowledged_after_returns_packets_that_the_server_lacks() -> None:
    buffer = ResendBuffer()
    sent = [buffer.append(PACKET) for _ in range(5)]
    assert buffer.acknowledged_after(0) == []
    for packet in sent[:4]:
        packet.acknowledge()
    assert buffer.acknowledged_after(2) == sent[2:4]
    assert buffer.acknowledged_after(4) == []


def test_unacknowledged_returns_the_other_packets() -> None:
    buffer = ResendBuffer()
    sent = [buffer.append(PACKET) for _ in range(3)]
    sent[0].acknowledge()
    assert buffer.unacknowledged() == sent[1:]


def test_acknowledgements_of_an_old_transport_are_ignored() -> None:
    calls: list[int] = []
    buffer = ResendBuffer()
    before = buffer.append(PACKET, lambda: calls.append(1))
    buffer.ignore_acknowledgements()
    before.acknowledge()
    (again,) = buffer.unacknowledged()
    assert (again.sequence, again.data, calls) == (before.sequence, before.data, [])
    again.acknowledge()
    assert calls == [1]


def test_second_acknowledgement_has_no_effect() -> None:
    calls: list[int] = []
    sent = ResendBuffer().append(PACKET, lambda: calls.append(1))
    sent.acknowledge()
    sent.acknowledge()
    assert calls == [1]


@given(st.lists(st.integers(0, 400), max_size=100), st.integers(0, 2000))
def test_buffer_keeps_the_newest_acknowledged_packets_within_its_size(sizes: list[int], limit: int) -> None:
    buffer = ResendBuffer(limit)
    for size in sizes:
        buffer.append(b"x" * size).acknowledge()
    buffer.append(b"")
    buffer.undo_append()
    kept = buffer.acknowledged_after(0)
    assert sum(len(packet.data) for packet in kept) <= limit
    assert [packet.sequence for packet in kept] == list(range(len(sizes) - len(kept) + 1, len(sizes) + 1))


def test_unacknowledged_packets_are_kept_beyond_the_size() -> None:
    buffer = ResendBuffer(0)
    sent = [buffer.append(PACKET) for _ in range(3)]
    assert buffer.unacknowledged() == sent


@given(st.lists(st.tuples(st.sampled_from(["PA_1", "PA_2"]), st.integers(1, 20))))
def test_each_sequence_of_a_sender_is_accepted_once_and_in_order(arrivals: list[tuple[str, int]]) -> None:
    states = ReceiveStates()
    accepted: dict[str, list[int]] = {"PA_1": [], "PA_2": []}
    for sid, sequence in arrivals:
        if states.accept(sid, sequence, now=0.0):
            accepted[sid].append(sequence)
    for numbers in accepted.values():
        assert numbers == sorted(set(numbers))
    assert states.last_sequences(0.0) == {sid: numbers[-1] for sid, numbers in accepted.items() if numbers}


def test_packets_without_sequence_or_sender_are_always_accepted() -> None:
    states = ReceiveStates()
    assert all(states.accept("PA_1", 0, 0.0) for _ in range(2))
    assert all(states.accept("", 7, 0.0) for _ in range(2))


def test_inactive_senders_are_evicted() -> None:
    states = ReceiveStates()
    states.accept("PA_old", 1, now=0.0)
    states.accept("PA_new", 1, now=1.0)
    assert states.last_sequences(RECEIVE_STATE_TTL) == {"PA_new": 1}


def test_receive_states_are_bounded() -> None:
    states = ReceiveStates()
    for number in range(MAX_RECEIVE_STATES):
        states.accept(f"PA_{number}", 1, now=0.0)
    states.accept("PA_late", 1, now=RECEIVE_STATE_TTL)
    assert states.last_sequences(RECEIVE_STATE_TTL) == {"PA_late": 1}

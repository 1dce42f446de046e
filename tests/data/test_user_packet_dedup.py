from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livekit.data.user_packet_dedup import MAX_SENDERS, UserPacketDedup, UserPacketNonces


@given(st.lists(st.integers(0, 9)))
def test_duplicates_and_older_packets_are_rejected(arrivals: list[int]) -> None:
    nonces_of_alice, receiver = UserPacketNonces(), UserPacketDedup()
    nonces = [nonces_of_alice.next() for _ in range(10)]
    taken = [number for number in arrivals if receiver.is_new("alice", nonces[number])]
    assert taken == sorted(set(taken))
    assert set(taken) <= set(arrivals)
    assert max(taken, default=-1) == max(arrivals, default=-1)


def test_restarted_sender_is_not_mistaken_for_the_old_one() -> None:
    receiver = UserPacketDedup()
    old = UserPacketNonces()
    for _ in range(5):
        assert receiver.is_new("alice", old.next())
    assert receiver.is_new("alice", UserPacketNonces().next())


def test_senders_are_deduplicated_independently() -> None:
    receiver, nonce = UserPacketDedup(), UserPacketNonces().next()
    assert receiver.is_new("alice", nonce)
    assert receiver.is_new("bob", nonce)
    assert not receiver.is_new("alice", nonce)


@given(st.binary(max_size=20).filter(lambda nonce: not nonce.startswith(b"once")))
def test_foreign_nonces_are_ignored(nonce: bytes) -> None:
    receiver = UserPacketDedup()
    assert all(receiver.is_new("alice", nonce) for _ in range(2))


def test_remembered_senders_are_bounded() -> None:
    receiver, nonce = UserPacketDedup(), UserPacketNonces().next()
    for number in range(MAX_SENDERS + 1):
        assert receiver.is_new(f"{number}", nonce)
    assert len(receiver._last) == MAX_SENDERS

from __future__ import annotations

import sys
import uuid

from livekit.rpc.request_dedup import MAX_IDS_PER_SENDER, MAX_SENDERS, RequestDedup
from livekit.rpc.wire import new_request_id


def test_row_27_a_duplicate_id_is_detected() -> None:
    seen = RequestDedup()
    for request_id in (new_request_id(), str(uuid.uuid4()), "17", "", "no id at all", "ä", "\ud800", "f" * 32):
        assert seen.add("alice", request_id)
        assert not seen.add("alice", request_id)
        assert seen.add("bob", request_id)


def test_row_27_the_last_65536_ids_of_each_sender_are_kept() -> None:
    seen = RequestDedup()
    assert MAX_IDS_PER_SENDER == 65_536
    for number in range(2 * MAX_IDS_PER_SENDER + 1):
        assert seen.add("alice", f"{number:032x}")
        if number % 1000 == 999:
            assert not seen.add("alice", f"{max(0, number - MAX_IDS_PER_SENDER + 1):032x}")
    assert not seen.add("alice", f"{MAX_IDS_PER_SENDER + 1:032x}")
    assert not seen.add("alice", f"{2 * MAX_IDS_PER_SENDER:032x}")
    assert seen.add("alice", f"{0:032x}"), "memory is bounded"


def test_row_27_an_id_takes_16_bytes() -> None:
    seen = RequestDedup()
    for _ in range(MAX_IDS_PER_SENDER // 4 * 3):
        seen.add("alice", str(uuid.uuid4()))
    seen.add("alice", "x" * 100_000)
    ids = seen._senders["alice"]
    assert sum(map(sys.getsizeof, ids._current.values())) < 20 * ids._count


def test_the_least_recently_active_sender_is_evicted_first() -> None:
    seen = RequestDedup()
    seen.add("alice", "id")
    seen.add("bob", "id")
    for number in range(MAX_SENDERS - 2):
        seen.add(f"sender {number}", "id")
    assert not seen.add("alice", "id")
    seen.add("one more", "id")
    assert not seen.add("alice", "id")
    assert seen.add("bob", "id")


def test_row_27_calls_by_the_server_evict_no_sender() -> None:
    seen = RequestDedup()
    seen.add("alice", "id")
    for number in range(2 * MAX_SENDERS):
        assert seen.add(f"call {number}", f"call {number}")
    assert not seen.add("call 0", "call 0")
    assert not seen.add("alice", "id")
    assert len(seen._senders) == 2

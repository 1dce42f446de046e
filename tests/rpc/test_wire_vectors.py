"""The tables and byte vectors of docs/wire.md against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.peer_timing import GRACE_RTTS, MIN_GRACE, READY_WAIT
from livekit.rpc.responder import RUST_CALLER_ALLOWANCE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "wire.md").read_text()
IDS = re.findall(r"^\| `([^`]+)` \| (yes|no)", PAGE, re.MULTILINE)
BLOCKS = {
    name: bytes.fromhex(digits)
    for name, digits in re.findall(r"^```hex (\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
}


def test_the_page_has_vectors_of_both_kinds() -> None:
    assert PAGE.startswith("# Extensions of the wire format\n\nVersion 1 of this page.")
    assert {verdict for _, verdict in IDS} == {"yes", "no"}
    assert set(BLOCKS) == {"cancel"}


@pytest.mark.parametrize(("request_id", "verdict"), IDS)
def test_row_05_ids_are_recognised_as_documented(request_id: str, verdict: str) -> None:
    assert wire.is_our_request_id(request_id) == (verdict == "yes")


def test_row_05_new_ids_match_the_documented_marker() -> None:
    (template,) = re.findall(r"^    (x{8}-\S+)$", PAGE, re.MULTILINE)
    pattern = template.replace("x", "[0-9a-f]")
    assert all(re.fullmatch(pattern, wire.new_request_id()) for _ in range(100))


def test_row_05_other_callers_get_the_documented_allowance() -> None:
    assert f"({RUST_CALLER_ALLOWANCE:g} s)" in PAGE


def test_row_13_cancel_has_the_documented_bytes() -> None:
    (ours,) = (request_id for request_id, verdict in IDS if verdict == "yes")
    packet = wire.cancel_packet("bob", ours, ours)
    assert packet.SerializeToString(deterministic=True) == BLOCKS["cancel"]
    read = models.DataPacket.FromString(BLOCKS["cancel"])
    assert list(read.destination_identities) == ["bob"]
    assert wire.cancelled_request_id(read.stream_trailer) == ours


def test_row_08_the_flag_for_immediate_announcements() -> None:
    section = PAGE.split("## Announcement of joins", 1)[1]
    assert f"`{wire.SERVER_ANNOUNCES_JOINS}`" in section
    assert f"{MIN_GRACE:g} s" in section
    assert f"{READY_WAIT:g} s" in section
    assert GRACE_RTTS == 4
    assert "four round trips" in section

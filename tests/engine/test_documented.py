"""Keeps docs/wire.md and docs/reconnect.md true."""

from __future__ import annotations

import json
import re
from pathlib import Path

from livekit.data.user_packet_dedup import UserPacketNonces
from livekit.engine.connection_state import BACKOFF, MAX_JOIN_ATTEMPTS, ConnectionPhase
from livekit.options import RoomOptions
from livekit.signaling import CONTINUATION_FLAG

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
WIRE = (DOCS / "wire.md").read_text()
RECONNECT = (DOCS / "reconnect.md").read_text()


def test_wire_documents_the_continuation_flag() -> None:
    assert re.search(rf"`server_info\.debug_info` contains\s+`{CONTINUATION_FLAG}`", WIRE)


def test_wire_documents_the_nonce() -> None:
    nonces = UserPacketNonces()
    first, second = nonces.next(), nonces.next()
    prefix = re.search(r"16 bytes: `([0-9a-f ]+)`", WIRE)
    assert prefix is not None
    assert first.startswith(bytes.fromhex(prefix[1]))
    assert (len(first), first[:12]) == (16, second[:12])
    assert [int.from_bytes(nonce[12:], "big") for nonce in (first, second)] == [1, 2]


def test_reconnect_documents_backoff_and_timeout() -> None:
    *delays, last = (json.dumps(delay).removesuffix(".0") for delay in BACKOFF)
    assert f"{', '.join(delays)} and then {last} s" in RECONNECT
    assert f"{RoomOptions().reconnect_timeout:g} s, or indefinitely" in RECONNECT


def test_reconnect_documents_all_phases() -> None:
    assert set(re.findall(r"--> ([A-Z_]+)", RECONNECT)) == {phase.name for phase in ConnectionPhase}
    assert f"{MAX_JOIN_ATTEMPTS} attempts" in RECONNECT

"""What docs/wire.md and docs/reconnect.md say of reconnecting."""

from __future__ import annotations

import json
import re
from pathlib import Path

from livekit.data.user_packet_deduper import UserPacketNonces
from livekit.engine.connection_state import BACKOFF
from livekit.options import RoomOptions
from livekit.signaling import CONTINUATION_FLAG

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
WIRE = (DOCS / "wire.md").read_text()
PAGE = (DOCS / "reconnect.md").read_text()


def test_the_flag_of_servers() -> None:
    assert f"contains `{CONTINUATION_FLAG}`" in WIRE


def test_the_nonce() -> None:
    origin = UserPacketNonces()
    first, second = origin.next(), origin.next()
    begins = re.search(r"16 bytes: `([0-9a-f ]+)`", WIRE)
    assert begins is not None
    assert first.startswith(bytes.fromhex(begins[1]))
    assert (len(first), first[:12]) == (16, second[:12])
    assert [int.from_bytes(nonce[12:], "big") for nonce in (first, second)] == [1, 2]


def test_the_waits_and_the_patience() -> None:
    *waits, last = (json.dumps(delay).removesuffix(".0") for delay in BACKOFF)
    assert f"{', '.join(waits)} and then {last} s" in PAGE
    assert f"{RoomOptions().reconnect_timeout:g} s, or for ever" in PAGE

"""All RoomService methods, called with LiveKit's JavaScript server SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livekit import DisconnectReason
from livekit.testing import RunningServer
from tests.support.processes import output_of
from tests.support.rooms import Join, listed, once

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(RunningServer.from_environment() is not None, reason="moves participants, as few servers do"),
]

NO_ROOM = (404, "not_found", "requested room does not exist")
NOBODY = (404, "not_found", "participant does not exist")
REFUSED = {
    "noRoomMetadata": NO_ROOM,
    "deleteAgain": NO_ROOM,
    "nobody": NOBODY,
    "updateNobody": NOBODY,
    "removeAgain": NOBODY,
    "updateTooLong": (400, "invalid_argument", "name length exceeds limits 256"),
    "forward": (501, "unimplemented", "a participant cannot be in two rooms on this server"),
    "moveNowhere": (400, "invalid_argument", "destination room cannot be the same as source room"),
    "wrongSecret": (
        401,
        "unauthenticated",
        "invalid authorization token: the signature does not match the API key",
    ),
    "wrongKey": (401, "unauthenticated", "invalid API key"),
}


async def test_javascript_sdk_calls_every_method(
    server: RunningServer, join: Join, js_peers: Path, room_name: str
) -> None:
    alice, bob, carol = await join("alice"), await join("bob"), await join("carol")
    await listed(bob, "alice")
    received, updated = once(alice, "data_received"), once(bob, "participant_attributes_changed")
    moved, removed = once(bob, "moved"), once(carol, "disconnected")
    other = room_name + "-b"
    script = str(js_peers / "backend.mjs")
    code, out, errors = await output_of("node", script, server.url, server.api_key, server.api_secret, room_name, other)
    assert code == 0, errors
    outcomes: dict[str, dict[str, Any]] = json.loads(out)
    refused = {name: got for name, got in outcomes.items() if "value" not in got}
    assert {name: (got["status"], got["code"], got["message"]) for name, got in refused.items()} == REFUSED
    values = {name: got["value"] for name, got in outcomes.items() if name not in REFUSED}
    made = values["create"]
    assert (made["name"], made["metadata"], made["emptyTimeout"], made["departureTimeout"]) == (other, "é", 60, 5)
    assert values["createAgain"] == made
    assert values["list"] == sorted([room_name, other])
    assert values["listNone"] == []
    assert values["roomMetadata"]["metadata"] == "updated"
    assert values["participants"] == ["alice", "bob", "carol"]
    assert values["participant"]["sid"] == alice.local_participant.sid
    assert (values["update"]["name"], values["update"]["attributes"]) == ("Alice", {"a": "1"})
    assert (await received)[0].data == b"hello"
    assert values["mute"] == "no track"
    await updated
    await moved
    assert bob.name == other
    assert await removed == (DisconnectReason.PARTICIPANT_REMOVED,)
    silent = {name for name, value in values.items() if value is None}
    assert silent <= {"delete", "send", "subscriptions", "move", "remove"}

"""`livekit room` and `livekit participants`, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import json

import pytest

from livekit import DisconnectReason, Room
from livekit.cli import ExitCode
from tests.support.rooms import Join

from .conftest import Run


async def test_room_is_created_listed_and_deleted(run: Run, room_name: str) -> None:
    created = await run("room", "create", room_name, "--metadata", "about \x1b[31mit", "--empty-timeout", "5m")
    assert (created.code, created.err) == (ExitCode.DONE, "")
    assert created.out.startswith(f"Room '{room_name}' exists (RM_")

    listed = await run("room", "list")
    header, *rows = listed.out.splitlines()
    assert header.split() == ["NAME", "PARTICIPANTS", "AGE", "METADATA"]
    (row,) = [row for row in rows if row.startswith(room_name)]
    assert row.split() == [room_name, "0", row.split()[2], "about", r"\x1b[31mit"]
    assert row.index("about") == header.index("METADATA")

    as_json = await run("room", "list", room_name, "--json")
    (room,) = json.loads(as_json.out)
    assert (room["name"], room["participants"], room["empty_timeout"]) == (room_name, 0, 300)
    assert room["metadata"] == "about \x1b[31mit"
    assert room["created"].endswith("Z")

    deleted = await run("room", "delete", room_name)
    assert (deleted.code, deleted.out) == (ExitCode.DONE, f"Deleted room '{room_name}'.\n")
    assert (await run("room", "list", room_name)).out == "No rooms.\n"
    assert json.loads((await run("room", "list", room_name, "--json")).out) == []


async def test_json_of_create_and_delete(run: Run, room_name: str) -> None:
    created = await run("room", "create", room_name, "--json", "--max-participants", "3", "--departure-timeout", "90")
    fields = json.loads(created.out)
    assert set(fields) == {
        "name", "sid", "participants", "max_participants", "created", "empty_timeout", "departure_timeout", "metadata",
    }  # fmt: skip
    assert (fields["max_participants"], fields["departure_timeout"]) == (3, 90)
    assert json.loads((await run("room", "delete", room_name, "--json")).out) == {"name": room_name}


async def test_deleting_a_missing_room(run: Run) -> None:
    done = await run("room", "delete", "nowhere")
    assert (done.code, done.out) == (ExitCode.NOT_FOUND, "")
    assert done.err == "livekit: no such room: 'nowhere'; `livekit room list` lists the rooms\n"


async def test_participants_are_listed(run: Run, join: Join, room_name: str) -> None:
    await join("alice", name="Alice", metadata="m", attributes={"a": "1"})
    await join("bob", can_publish_data=False)
    shown = await run("participants", "--room", room_name)
    assert shown.code == ExitCode.DONE
    rows = [line.split() for line in shown.out.splitlines()]
    assert rows[0] == ["IDENTITY", "NAME", "STATE", "KIND", "AGE", "METADATA"]
    assert [row[0] for row in rows[1:]] == ["alice", "bob"]

    alice, bob = json.loads((await run("participants", "--room", room_name, "--json")).out)
    assert set(alice) == {
        "identity", "sid", "name", "state", "kind", "joined", "hidden", "can_publish_data", "metadata", "attributes",
    }  # fmt: skip
    assert (alice["name"], alice["state"], alice["kind"]) == ("Alice", "active", "standard")
    assert (alice["metadata"], alice["attributes"]) == ("m", {"a": "1"})
    assert (alice["can_publish_data"], bob["can_publish_data"]) == (True, False)


async def test_participants_of_an_empty_and_of_a_missing_room(run: Run, room_name: str) -> None:
    await run("room", "create", room_name)
    assert (await run("participants", "--room", room_name)).out == "No participants.\n"
    await run("room", "delete", room_name)
    done = await run("participants", "--room", room_name)
    assert (done.code, done.out) == (ExitCode.NOT_FOUND, "")
    assert f"no such room: '{room_name}'" in done.err


async def test_participant_is_removed(run: Run, join: Join, room_name: str) -> None:
    alice: Room = await join("alice")
    await join("bob")
    gone: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    alice.on("disconnected", gone.set_result)
    done = await run("room", "remove", room_name, "carol")
    assert (done.code, done.out) == (ExitCode.NOT_FOUND, "")
    assert done.err == f"livekit: no participant 'carol' in room {room_name!r}, which has 'alice', 'bob'\n"
    assert (await run("room", "remove", room_name, "alice")).out == f"Removed 'alice' from room {room_name!r}.\n"
    assert await asyncio.wait_for(gone, 30) == DisconnectReason.PARTICIPANT_REMOVED
    removed = await run("room", "remove", room_name, "bob", "--json")
    assert json.loads(removed.out) == {"room": room_name, "identity": "bob"}
    assert (await run("room", "remove", "nowhere", "bob")).code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    "arguments",
    [
        ["room", "remove", "r"],
        ["methods"],
        ["send", "--room", "r"],
        ["room"],
        ["room", "create"],
        ["room", "create", ""],
        ["room", "create", "x", "--empty-timeout", "soon"],
        ["room", "create", "x", "--max-participants", "-1"],
        ["participants"],
        ["call", "--room", "r", "method"],
        ["call", "--room", "r", "--to", "a"],
        ["call", "--room", "r", "--to", "a", "m", "--timeout", "0"],
        ["call", "--room", "r", "--to", "a", "m", "--timeout", "nan"],
        ["listen"],
        ["listen", "--room", "r", "--method", "=x"],
        ["completion", "csh"],
    ],
)
async def test_invalid_arguments_are_usage_errors(run: Run, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        await run(*arguments)
    assert caught.value.code == ExitCode.USAGE

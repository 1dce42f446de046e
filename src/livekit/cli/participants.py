"""`livekit participants`: who is in a room."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from livekit._util.enum_names import enum_name

from .arguments import nonempty
from .exits import CommandError, ExitCode
from .output import ago, moment, table, to_json
from .requests import ask
from .settings import add_server_arguments, server_of

if TYPE_CHECKING:
    from livekit.protocol import models

    from .arguments import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "participants", help="show who is in a room", description="Show who is in a room, hidden participants too."
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol.room import (
        ListParticipantsRequest,
        ListParticipantsResponse,
        ListRoomsRequest,
        ListRoomsResponse,
    )

    server = server_of(args)
    grants = {"roomAdmin": True, "room": args.room}
    request = ListParticipantsRequest(room=args.room)
    answer = ask(server, "ListParticipants", request, ListParticipantsResponse, grants)
    found = sorted(answer.participants, key=lambda participant: participant.identity)
    if not found:  # servers say so of rooms that are not there, too
        rooms = ask(server, "ListRooms", ListRoomsRequest(names=[args.room]), ListRoomsResponse, {"roomList": True})
        if not rooms.rooms:
            message = f"there is no room {args.room!r}; `livekit room list` shows those that are"
            raise CommandError(message, ExitCode.NOT_FOUND)
    if args.json:
        print(to_json([participant_fields(participant) for participant in found]))
    elif found:
        rows = [(p.identity, p.name, _state(p), _kind(p), ago(_joined(p)), p.metadata) for p in found]
        print(table(("IDENTITY", "NAME", "STATE", "KIND", "AGE", "METADATA"), rows))
    else:
        print("Nobody is there.")
    return ExitCode.DONE


def participant_fields(participant: models.ParticipantInfo) -> dict[str, object]:
    """A participant for programs."""
    return {
        "identity": participant.identity,
        "sid": participant.sid,
        "name": participant.name,
        "state": _state(participant),
        "kind": _kind(participant),
        "joined": moment(_joined(participant)),
        "hidden": participant.permission.hidden,
        "can_publish_data": participant.permission.can_publish_data,
        "metadata": participant.metadata,
        "attributes": dict(participant.attributes),
    }


def _state(participant: models.ParticipantInfo) -> str:
    return enum_name(type(participant).State, participant.state).lower()


def _kind(participant: models.ParticipantInfo) -> str:
    return enum_name(type(participant).Kind, participant.kind).lower()


def _joined(participant: models.ParticipantInfo) -> int:
    """Unix time in milliseconds, which older servers do not tell."""
    return participant.joined_at_ms or participant.joined_at * 1000

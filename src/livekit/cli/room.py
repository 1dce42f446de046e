"""`livekit room`: list, create and delete rooms."""

from __future__ import annotations

import argparse
import math
from datetime import timedelta
from typing import TYPE_CHECKING

from .arguments import count, duration, nonempty
from .exits import ExitCode
from .output import ago, moment, table, to_json
from .requests import ask
from .settings import add_server_arguments, server_of

if TYPE_CHECKING:
    from livekit.protocol import models

    from .arguments import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("room", help="list, create and delete rooms", description=__doc__)
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = verbs.add_parser("list", help="show rooms", description="Show the server's rooms, or those named.")
    listing.add_argument("name", nargs="*", metavar="NAME", help="only these")
    listing.set_defaults(run=list_rooms)

    creating = verbs.add_parser(
        "create", help="make a room", description="Make a room before anybody joins it; one that is there stays."
    )
    creating.add_argument("name", type=nonempty, metavar="NAME")
    creating.add_argument("--metadata", default="", metavar="TEXT", help="the room's metadata")
    creating.add_argument(
        "--empty-timeout", type=duration, metavar="TIME", help="how long it waits for somebody: 90, 45s, 30m, 6h, 2d"
    )
    creating.add_argument(
        "--departure-timeout", type=duration, metavar="TIME", help="how long it stays after the last one left"
    )
    creating.add_argument("--max-participants", type=count, default=0, metavar="N", help="0 for no limit")
    creating.set_defaults(run=create_room)

    deleting = verbs.add_parser("delete", help="end a room", description="Put everybody out of a room and end it.")
    deleting.add_argument("name", type=nonempty, metavar="NAME")
    deleting.set_defaults(run=delete_room)

    for verb in (listing, creating, deleting):
        verb.add_argument("--json", action="store_true", help="print JSON")
        add_server_arguments(verb)


def list_rooms(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol.room import ListRoomsRequest, ListRoomsResponse

    answer = ask(server_of(args), "ListRooms", ListRoomsRequest(names=args.name), ListRoomsResponse, {"roomList": True})
    rooms = sorted(answer.rooms, key=lambda room: room.name)
    if args.json:
        print(to_json([room_fields(room) for room in rooms]))
    elif rooms:
        rows = [(room.name, room.num_participants, ago(_created(room)), room.metadata) for room in rooms]
        print(table(("NAME", "PARTICIPANTS", "AGE", "METADATA"), rows))
    else:
        print("No rooms.")
    return ExitCode.DONE


def create_room(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol import models
    from livekit.protocol.room import CreateRoomRequest

    request = CreateRoomRequest(
        name=args.name,
        metadata=args.metadata,
        empty_timeout=_seconds(args.empty_timeout),
        departure_timeout=_seconds(args.departure_timeout),
        max_participants=args.max_participants,
    )
    room = ask(server_of(args), "CreateRoom", request, models.Room, {"roomCreate": True})
    print(to_json(room_fields(room)) if args.json else f"Room {room.name!r} is there ({room.sid}).")
    return ExitCode.DONE


def delete_room(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol.room import DeleteRoomRequest, DeleteRoomResponse

    ask(server_of(args), "DeleteRoom", DeleteRoomRequest(room=args.name), DeleteRoomResponse, {"roomCreate": True})
    print(to_json({"name": args.name}) if args.json else f"Room {args.name!r} is gone.")
    return ExitCode.DONE


def room_fields(room: models.Room) -> dict[str, object]:
    """A room for programs."""
    return {
        "name": room.name,
        "sid": room.sid,
        "participants": room.num_participants,
        "max_participants": room.max_participants,
        "created": moment(_created(room)),
        "empty_timeout": room.empty_timeout,
        "departure_timeout": room.departure_timeout,
        "metadata": room.metadata,
    }


def _created(room: models.Room) -> int:
    """Unix time in milliseconds, which older servers do not tell."""
    return room.creation_time_ms or room.creation_time * 1000


def _seconds(given: timedelta | None) -> int:
    return 0 if given is None else math.ceil(given.total_seconds())

"""`livekit room`: list, create and delete rooms, remove participants."""

from __future__ import annotations

import argparse
import math
from datetime import timedelta
from typing import TYPE_CHECKING

from .arguments import count, duration, nonempty
from .exits import CommandError, ExitCode
from .output import age, iso_time, table, to_json
from .requests import admin_of, call_service, identities_in, no_such_room
from .settings import add_server_arguments, endpoint_from

if TYPE_CHECKING:
    from livekit.protocol import models

    from .argparse_internals import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "room",
        help="list, create and delete rooms, remove participants",
        description="List, create and delete rooms, and remove participants.",
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = verbs.add_parser(
        "list", help="list rooms", description="List all rooms of the server, or the named ones."
    )
    listing.add_argument("name", nargs="*", metavar="NAME", help="list only these rooms")
    listing.set_defaults(run=list_rooms)

    creating = verbs.add_parser(
        "create",
        help="create a room",
        description="Create a room before anyone joins. An existing room is left unchanged.",
    )
    creating.add_argument("name", type=nonempty, metavar="NAME", help="the room's name")
    creating.add_argument("--metadata", default="", metavar="TEXT", help="the room's metadata")
    creating.add_argument(
        "--empty-timeout",
        type=duration,
        metavar="TIME",
        help="close the room if nobody joins within this time: 90, 45s, 30m, 6h, 2d",
    )
    creating.add_argument(
        "--departure-timeout",
        type=duration,
        metavar="TIME",
        help="close the room this long after the last participant left",
    )
    creating.add_argument("--max-participants", type=count, default=0, metavar="N", help="default: 0, no limit")
    creating.set_defaults(run=create_room)

    deleting = verbs.add_parser(
        "delete", help="delete a room", description="Delete a room and disconnect its participants."
    )
    deleting.add_argument("name", type=nonempty, metavar="NAME", help="the room's name")
    deleting.set_defaults(run=delete_room)

    removing = verbs.add_parser(
        "remove",
        help="remove a participant from a room",
        description="Remove a participant from a room. It may join again with a valid token.",
    )
    removing.add_argument("name", type=nonempty, metavar="NAME", help="the room's name")
    removing.add_argument("identity", type=nonempty, metavar="ID", help="the participant's identity")
    removing.set_defaults(run=remove_participant)

    for verb in (listing, creating, deleting, removing):
        verb.add_argument("--json", action="store_true", help="print JSON")
        add_server_arguments(verb)


def list_rooms(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol.room import ListRoomsRequest, ListRoomsResponse

    response = call_service(
        endpoint_from(args), "ListRooms", ListRoomsRequest(names=args.name), ListRoomsResponse, {"roomList": True}
    )
    rooms = sorted(response.rooms, key=lambda room: room.name)
    if args.json:
        print(to_json([room_fields(room) for room in rooms]))
    elif rooms:
        rows = [(room.name, room.num_participants, age(_created(room)), room.metadata) for room in rooms]
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
    room = call_service(endpoint_from(args), "CreateRoom", request, models.Room, {"roomCreate": True})
    print(to_json(room_fields(room)) if args.json else f"Room {room.name!r} exists ({room.sid}).")
    return ExitCode.DONE


def delete_room(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol.room import DeleteRoomRequest, DeleteRoomResponse

    request = DeleteRoomRequest(room=args.name)
    try:
        call_service(endpoint_from(args), "DeleteRoom", request, DeleteRoomResponse, {"roomCreate": True})
    except CommandError as error:
        raise no_such_room(args.name) if error.code is ExitCode.NOT_FOUND else error from error
    print(to_json({"name": args.name}) if args.json else f"Deleted room {args.name!r}.")
    return ExitCode.DONE


def remove_participant(args: argparse.Namespace) -> ExitCode:
    from livekit.protocol.room import RemoveParticipantResponse, RoomParticipantIdentity

    endpoint = endpoint_from(args)
    identities_in(endpoint, args.name, [args.identity])
    request = RoomParticipantIdentity(room=args.name, identity=args.identity)
    call_service(endpoint, "RemoveParticipant", request, RemoveParticipantResponse, admin_of(args.name))
    removed = {"room": args.name, "identity": args.identity}
    print(to_json(removed) if args.json else f"Removed {args.identity!r} from room {args.name!r}.")
    return ExitCode.DONE


def room_fields(room: models.Room) -> dict[str, object]:
    """Return the JSON fields of a room."""
    return {
        "name": room.name,
        "sid": room.sid,
        "participants": room.num_participants,
        "max_participants": room.max_participants,
        "created": iso_time(_created(room)),
        "empty_timeout": room.empty_timeout,
        "departure_timeout": room.departure_timeout,
        "metadata": room.metadata,
    }


def _created(room: models.Room) -> int:
    """Return a Unix time in milliseconds; older servers only send seconds."""
    return room.creation_time_ms or room.creation_time * 1000


def _seconds(duration: timedelta | None) -> int:
    return 0 if duration is None else math.ceil(duration.total_seconds())

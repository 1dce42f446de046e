"""`livekit participants`: list a room's participants."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from livekit._util.enum_names import enum_name

from .arguments import nonempty
from .exits import ExitCode
from .output import age, iso_time, table, to_json
from .requests import participants_of
from .settings import add_server_arguments, endpoint_from

if TYPE_CHECKING:
    from livekit.protocol import models

    from .argparse_internals import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "participants",
        help="list a room's participants",
        description="List a room's participants, including hidden ones.",
    )
    parser.add_argument("--room", required=True, type=nonempty, metavar="NAME", help="the room")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_server_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> ExitCode:
    found = participants_of(endpoint_from(args), args.room)
    if args.json:
        print(to_json([participant_fields(participant) for participant in found]))
    elif found:
        rows = [(p.identity, p.name, _state(p), _kind(p), age(_joined(p)), p.metadata) for p in found]
        print(table(("IDENTITY", "NAME", "STATE", "KIND", "AGE", "METADATA"), rows))
    else:
        print("No participants.")
    return ExitCode.DONE


def participant_fields(participant: models.ParticipantInfo) -> dict[str, object]:
    """Return the JSON fields of a participant."""
    return {
        "identity": participant.identity,
        "sid": participant.sid,
        "name": participant.name,
        "state": _state(participant),
        "kind": _kind(participant),
        "joined": iso_time(_joined(participant)),
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
    """Return a Unix time in milliseconds; older servers only send seconds."""
    return participant.joined_at_ms or participant.joined_at * 1000

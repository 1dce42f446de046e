"""State of a server for debugging. Contains no tokens or payloads, and only the size of metadata."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from livekit._util.enum_names import enum_name
from livekit._version import __version__
from livekit.protocol import agent, models
from livekit.server.agents import AgentHandler
from livekit.server.components import Components
from livekit.server.participant import Participant
from livekit.server.responses import COMPATIBLE_VERSION, PROTOCOL_VERSION
from livekit.server.room import Room
from livekit.server.traffic import Traffic

Json = dict[str, object]

_DISTRIBUTIONS = ("livekit-protocol", "livekit-api", "aiohttp", "protobuf", "cryptography")


def describe(components: Components, started_at: float) -> Json:
    """Return the state of a server that started at the Unix time `started_at`. Times are in seconds."""
    now = components.clock()
    return {
        "versions": _versions(),
        "started_at": round(started_at, 3),
        "uptime": round(components.rooms.wall_time(now) - started_at, 3),
        "rooms": [_room(room, now) for room in components.rooms.rooms],
        "traffic": _traffic(components.rooms.traffic),
        "agents": _agents(components.agents),
        "webhooks": {url: asdict(stats) for url, stats in components.webhooks.stats.items()},
    }


def _versions() -> Json:
    installed: Json = {}
    for name in _DISTRIBUTIONS:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "livekit-pure": __version__,
        "compatible": COMPATIBLE_VERSION,
        "protocol": PROTOCOL_VERSION,
        "python": platform.python_version(),
        **installed,
    }


def _room(room: Room, now: float) -> Json:
    info, idle_since = room.info(), room.lifetime.idle_since
    return {
        "name": info.name,
        "sid": info.sid,
        "created_at": info.creation_time_ms / 1000,
        "empty_for": None if idle_since is None else round(now - idle_since, 3),
        "empty_timeout": room.settings.empty_timeout,
        "departure_timeout": room.settings.departure_timeout,
        "max_participants": info.max_participants,
        "metadata_bytes": len(info.metadata.encode()),
        "participants": [_participant(participant, now) for participant in room.participants.values()],
    }


def _participant(participant: Participant, now: float) -> Json:
    info, client = participant.info(), participant.client
    return {
        "identity": info.identity,
        "sid": info.sid,
        "state": models.ParticipantInfo.State.Name(info.state),
        "kind": models.ParticipantInfo.Kind.Name(info.kind),
        "hidden": participant.hidden,
        "joined_at": info.joined_at_ms / 1000,
        "client": {
            "sdk": enum_name(models.ClientInfo.SDK, client.sdk),
            "version": client.version,
            "protocol": client.protocol,
            "client_protocol": client.client_protocol,
        },
        "signal_silent_for": round(now - participant.last_signal_at, 3),
        "signal_lost_for": _since(participant.signal_lost_at, now),
        "transport_lost_for": _since(participant.transport_failed_at, now),
        "last_sequence": participant.last_sequence,
        "backlog_bytes": participant.link.backlog,
        "waiting_bytes": participant.waiting_bytes,
        "resend_bytes": participant.resend_bytes,
        "tracks": len(participant.media.published),
        "subscriptions": len(participant.media.subscriptions),
        "data_tracks": len(participant.data_tracks.published),
        "metadata_bytes": len(info.metadata.encode()),
        "attributes": len(info.attributes),
    }


def _traffic(traffic: Traffic) -> Json:
    return {
        "received": {kind: asdict(flow) for kind, flow in traffic.received.items()},
        "sent": {kind: asdict(flow) for kind, flow in traffic.sent.items()},
        "dropped": traffic.dropped,
        "calls": traffic.calls,
    }


def _agents(agents: AgentHandler) -> Json:
    return {
        "workers": [
            {
                "id": worker.id,
                "agent_name": worker.key.agent_name,
                "type": agent.JobType.Name(worker.key.type),
                "version": worker.version,
                "available": worker.is_available,
                "load": worker.load,
            }
            for worker in agents.workers.workers
        ],
        "offered": agents.jobs.offered,
        "running": [
            {
                "id": job.id,
                "dispatch": job.dispatch_id,
                "room": job.room.name,
                "identity": job.state.participant_identity,
                "worker": job.state.worker_id,
            }
            for job in agents.jobs.running
        ],
    }


def _since(time: float | None, now: float) -> float | None:
    return None if time is None else round(now - time, 3)

"""The metrics of a server, with the names of LiveKit server where it has the same metric."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from livekit._version import __version__
from livekit.protocol import models
from livekit.server.agents import AgentHandler
from livekit.server.components import Components
from livekit.server.responses import COMPATIBLE_VERSION
from livekit.server.room_manager import RoomManager
from livekit.server.traffic import Flow, Traffic
from livekit.server.webhooks import WebhookSender

from . import process
from .counters import Counters
from .exposition import Metric, counter, gauge

Sample = tuple[Mapping[str, str], float]


def collect(components: Components, counters: Counters, started_at: float) -> Iterator[Metric]:
    """Yield all metrics; `started_at` is the Unix time of the server's start."""
    versions = {"version": __version__, "compatible": COMPATIBLE_VERSION, "python": platform.python_version()}
    yield gauge("livekit_server_info", "Versions of the server.", (versions, 1))
    yield gauge("livekit_server_start_time_seconds", "Unix time of the server's start.", round(started_at, 3))
    yield from _rooms(components.rooms)
    yield from _tracks(components.rooms)
    yield from _events(counters)
    yield from _traffic(components.rooms.traffic)
    yield from _agents(components.agents)
    yield from _webhooks(components.webhooks)
    yield from _process()


def _rooms(rooms: RoomManager) -> Iterator[Metric]:
    participants = [participant for room in rooms.rooms for participant in room.participants.values()]
    kinds = Counter(participant.grants.kind for participant in participants)
    yield gauge("livekit_room_total", "Rooms.", len(rooms.rooms))
    yield gauge("livekit_participant_total", "Participants in rooms, by kind.", *_by("kind", kinds))
    yield gauge(
        "livekit_participant_backlog_bytes",
        "Bytes of reliable packets queued for participants.",
        sum(participant.link.backlog for participant in participants),
    )


def _tracks(rooms: RoomManager) -> Iterator[Metric]:
    tracks = [track for room in rooms.rooms for track in room.media.tracks]
    kinds = Counter(models.TrackType.Name(track.info.type) for track in tracks)
    yield gauge("livekit_track_published_total", "Published media tracks, by kind.", *_by("kind", kinds))
    yield gauge(
        "livekit_track_subscribed_total",
        "Subscriptions to media tracks.",
        sum(len(track.subscriptions) for track in tracks),
    )


def _events(counters: Counters) -> Iterator[Metric]:
    yield counter("livekit_room_started_total", "Rooms that were started.", counters.rooms_started)
    yield counter("livekit_participant_joined_total", "Participants whose transport was established.", counters.joined)
    yield counter("livekit_participant_left_total", "Participants that left, by reason.", *_by("reason", counters.left))
    yield counter(
        "livekit_participant_aborted_total",
        "Participants that left before their transport was established.",
        counters.aborted,
    )
    requests: list[Sample] = [
        ({"route": route, "status": str(status)}, count) for (route, status), count in counters.requests.items()
    ]
    yield counter("livekit_http_requests_total", "HTTP responses, and closed WebSockets.", *requests)


def _traffic(traffic: Traffic) -> Iterator[Metric]:
    directions = {"incoming": traffic.received, "outgoing": traffic.sent}

    def samples(value: Callable[[Flow], int]) -> list[Sample]:
        return [
            ({"direction": direction, "kind": kind}, value(flow))
            for direction, flows in directions.items()
            for kind, flow in flows.items()
        ]

    yield counter("livekit_data_packet_total", "Data packets.", *samples(lambda flow: flow.packets))
    yield counter("livekit_data_packet_bytes_total", "Bytes of data packets.", *samples(lambda flow: flow.size))
    yield counter("livekit_data_packet_dropped_total", "Rejected data packets.", traffic.dropped)
    yield counter("livekit_rpc_call_total", "RPC calls started by participants.", traffic.calls)


def _agents(agents: AgentHandler) -> Iterator[Metric]:
    names = Counter(worker.key.agent_name for worker in agents.workers.workers)
    yield gauge("livekit_agent_worker_total", "Registered agent workers.", *_by("agent_name", names))
    yield gauge(
        "livekit_agent_job_total",
        "Agent jobs.",
        ({"state": "offered"}, agents.jobs.offered),
        ({"state": "running"}, len(agents.jobs.running)),
    )


def _webhooks(webhooks: WebhookSender) -> Iterator[Metric]:
    results: list[Sample] = []
    waiting: list[Sample] = []
    for url, stats in webhooks.stats.items():
        results += [
            ({"url": url, "result": "delivered"}, stats.delivered),
            ({"url": url, "result": "failed"}, stats.failed),
            ({"url": url, "result": "dropped"}, stats.dropped),
        ]
        waiting.append(({"url": url}, stats.waiting))
    yield counter("livekit_webhook_total", "Webhooks delivered or dropped, and failed attempts.", *results)
    yield gauge("livekit_webhook_waiting", "Queued webhooks.", *waiting)


def _process() -> Iterator[Metric]:
    yield counter("process_cpu_seconds_total", "CPU time of the process.", process.cpu_seconds())
    memory, files = process.resident_bytes(), process.open_files()
    if memory is not None:
        yield gauge("process_resident_memory_bytes", "Resident memory of the process.", memory)
    if files is not None:
        yield gauge("process_open_fds", "Open file descriptors of the process.", files)


def _by(label: str, counts: Mapping[str, int]) -> list[Sample]:
    return [({label: name}, count) for name, count in counts.items()]

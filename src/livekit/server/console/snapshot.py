"""The console's state as JSON for its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from livekit._util.enum_names import enum_name
from livekit.protocol import models
from livekit.server.media.published_track import PublishedTrack
from livekit.server.participant import Participant, State
from livekit.server.room import Room

from .event_log import LogEntry
from .method_stats import MethodSummary
from .observer import Observer
from .payload import PayloadPreview
from .tracked_call import TrackedCall

MAX_ROOMS_SHOWN = 50
MAX_PARTICIPANTS_SHOWN = 100
"""Per room."""
MAX_TRACKS_SHOWN = 20
"""Per participant."""
MAX_VALUE_SHOWN = 500
"""Characters of metadata and of an attribute."""
MAX_ATTRIBUTES_SHOWN = 20

Json = dict[str, Any]
WallTime = Callable[[float], float]


def rooms_json(rooms: Sequence[Room], observer: Observer, now: float) -> Json:
    """Return the rooms, and the totals for the page's header."""
    return {
        "rooms": [_room(room, observer, now) for room in rooms[:MAX_ROOMS_SHOWN]],
        "more": max(0, len(rooms) - MAX_ROOMS_SHOWN),
        "participants": sum(len(room.participants) for room in rooms),
        "rate": round(observer.total.rate(now)),
        "series": observer.total.series(now),
        "calls": observer.calls.started,
        "failed": observer.calls.failed,
        "forgotten": observer.calls.forgotten,
        "unmatched": observer.calls.unmatched,
        "problems": observer.event_log.problems,
        "payloads": observer.calls.keeps_payloads,
    }


def methods_json(summaries: Iterable[MethodSummary]) -> list[Json]:
    """Return the statistics of methods, with durations in milliseconds."""
    return [
        {
            "room": summary.room,
            "method": summary.method,
            "calls": summary.calls,
            "failed": summary.failed,
            "p50": None if summary.p50 is None else round(summary.p50 * 1000, 2),
            "p95": None if summary.p95 is None else round(summary.p95 * 1000, 2),
        }
        for summary in summaries
    ]


def _room(room: Room, observer: Observer, now: float) -> Json:
    info = room.info()
    shown = list(room.participants.values())[:MAX_PARTICIPANTS_SHOWN]
    return {
        "name": room.name,
        "sid": room.sid,
        "created": info.creation_time_ms,
        "participants": [_participant(room, participant, observer, now) for participant in shown],
        "more": len(room.participants) - len(shown),
    }


def _participant(room: Room, participant: Participant, observer: Observer, now: float) -> Json:
    info = participant.info()
    traffic = observer.traffic(participant.sid)
    return {
        "identity": info.identity,
        "sid": info.sid,
        "name": info.name,
        "kind": models.ParticipantInfo.Kind.Name(info.kind).lower(),
        "state": models.ParticipantInfo.State.Name(info.state).lower(),
        "client": _client(participant.client),
        "joined": info.joined_at_ms,
        "hidden": participant.hidden,
        "metadata": _cut(info.metadata),
        "attributes": _attributes(info.attributes),
        "sent": traffic.sent.size,
        "received": traffic.received.size,
        "sending": round(traffic.sent.rate(now)),
        "receiving": round(traffic.received.rate(now)),
        "tracks": [_track(track, now) for track in list(participant.media.published.values())[:MAX_TRACKS_SHOWN]],
        "subscriptions": sum(1 for _ in participant.media.active_subscriptions()),
        "methods": observer.methods.of(room.name, info.identity),
        "announced": observer.methods.is_announced(room.name, info.identity),
        "askable": _may_announce(participant) and not observer.methods.is_asked(room.name, info.identity),
    }


def _track(track: PublishedTrack, now: float) -> Json:
    streams = track.streams
    stats = [] if streams is None else [stream.stats(now) for stream in streams.streams.values()]
    return {
        "sid": track.sid,
        "name": _cut(track.info.name),
        "kind": models.TrackType.Name(track.info.type).lower(),
        "codec": track.info.mime_type.rpartition("/")[2],
        "muted": track.info.muted,
        "rate": round(sum(each.bitrate for each in stats)),
        "lost": sum(max(each.lost, 0) for each in stats),
        "level": 0.0 if streams is None or track.info.muted else round(streams.level(now), 3),
        "subscribers": len(track.subscriptions),
    }


def _may_announce(participant: Participant) -> bool:
    """Return True if a participant may announce its methods: it is active and runs a Python SDK."""
    return participant.state == State.ACTIVE and participant.client.sdk == models.ClientInfo.SDK.PYTHON


def _client(client: models.ClientInfo) -> str:
    """Return the name and the version of the SDK."""
    name = enum_name(models.ClientInfo.SDK, client.sdk).lower() if client.sdk else ""
    return _cut(" ".join(filter(None, (_SDK_NAMES.get(name, name), client.version))))


_SDK_NAMES = {"js": "JavaScript", "python": "Python", "node": "Node.js", "go": "Go", "rust": "Rust", "swift": "Swift"}


def _attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    return {_cut(name): _cut(value) for name, value in sorted(attributes.items())[:MAX_ATTRIBUTES_SHOWN]}


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE_SHOWN else text[:MAX_VALUE_SHOWN] + "…"


def call_json(call: TrackedCall, wall_time: WallTime) -> Json:
    """Return a call; unknown values are omitted."""
    shown: Json = {
        "number": call.number,
        "state": call.state.value,
        "room": call.room,
        "caller": call.caller,
        "callee": call.callee,
        "method": call.method,
        "at": round(wall_time(call.started) * 1000),
        "id": call.request_id,
        "version": call.version,
        "timeout": call.timeout,
        "acked": _milliseconds(call, call.acked),
        "took": _milliseconds(call, call.ended),
        "code": call.code,
        "message": call.message,
        "data": call.data,
        "packets": call.packets,
        "request": _content(call.request),
        "response": None if call.response is None else _content(call.response),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _milliseconds(call: TrackedCall, at: float | None) -> float | None:
    return None if at is None else round((at - call.started) * 1000, 2)


def _content(content: PayloadPreview) -> Json:
    shown: Json = {"size": content.size}
    if content.text is not None:
        shown["text"] = content.text
        shown["cut"] = content.cut
    return shown


def log_entry_json(entry: LogEntry, wall_time: WallTime) -> Json:
    return {
        "number": entry.number,
        "at": round(wall_time(entry.at) * 1000),
        "room": entry.room,
        "who": entry.who,
        "text": entry.text,
        "problem": entry.is_problem,
    }

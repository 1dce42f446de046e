"""The frame processors of a room's tracks: they are told where frames come from, and the room's credentials."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from livekit.media.processor_context import ProcessorContext, StreamInfo

if TYPE_CHECKING:
    from livekit.media.publications import TrackPublication
    from livekit.media.tracks import Track
    from livekit.participant import RemoteParticipant

__all__ = ["RoomProcessors"]


class RoomProcessors:
    """Keeps the processor contexts of a room's tracks, by the events of the room.

    Args:
        server_url: The URL that the room was connected with.
        token: Returns the newest token.
        room_name: Returns the room's name.
        identity: Returns the local participant's identity.
    """

    def __init__(
        self, server_url: str, token: Callable[[], str], room_name: Callable[[], str], identity: Callable[[], str]
    ) -> None:
        self._server_url = server_url
        self._token = token
        self._room_name = room_name
        self._identity = identity
        self._contexts: weakref.WeakSet[ProcessorContext] = weakref.WeakSet()
        self._handlers: dict[str, Callable[..., None]] = {
            "track_subscribed": self._on_subscribed,
            "track_unsubscribed": self._on_unsubscribed,
            "local_track_published": self._on_published,
            "local_track_republished": self._on_published,
            "local_track_unpublished": self._on_unpublished,
            "token_refreshed": self._refresh,
        }

    def before_callbacks(self, emit: Callable[..., None]) -> Callable[..., None]:
        """Return an `emit` that tells processors of an event before the application's callbacks are called."""
        handlers = self._handlers

        def emit_event(name: str, *args: Any) -> None:
            handler = handlers.get(name)
            if handler is not None:
                handler(*args)
            emit(name, *args)

        return emit_event

    def _on_subscribed(self, track: Track, publication: TrackPublication, participant: RemoteParticipant) -> None:
        self._enter(track, publication, participant.identity)

    def _on_unsubscribed(self, track: Track, *_: object) -> None:
        track._processors.leave()

    def _on_published(self, publication: TrackPublication, _: object) -> None:
        self._enter(publication.track, publication, self._identity())

    def _on_unpublished(self, publication: TrackPublication) -> None:
        if publication.track is not None:
            publication.track._processors.leave()

    def _enter(self, track: Track | None, publication: TrackPublication, identity: str) -> None:
        if track is not None:
            info = StreamInfo(self._room_name(), identity, publication.sid)
            context = track._processors
            self._contexts.add(context)
            context.enter(info, token=self._token(), url=self._server_url)

    def _refresh(self) -> None:
        for context in list(self._contexts):
            context.refresh(token=self._token(), url=self._server_url)

"""Room events: their names and argument types, callbacks, and an async iterator over them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast, get_args

from livekit.events import EventEmitter

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar, overload

    from livekit.data import ChatMessage, DataPacket, SipDTMF, TranscriptionSegment
    from livekit.enums import ConnectionState, DisconnectReason, EncryptionState
    from livekit.media.publications import TrackPublication
    from livekit.participant import ConnectionQuality, Participant, RemoteParticipant
    from livekit.protocol import models

logger = logging.getLogger("livekit")

MAX_BUFFERED_EVENTS = 10_000
"""Unread events buffered by a `RoomEvents`; when full, the oldest are dropped."""

PlainEvent = Literal["connected", "reconnecting", "reconnected", "room_updated", "moved", "token_refreshed"]
PresenceEvent = Literal["participant_connected", "participant_disconnected", "participant_active"]
TextEvent = Literal["participant_name_changed", "participant_metadata_changed"]
MediaEvent = Literal[
    "local_track_published",
    "local_track_unpublished",
    "local_track_republished",
    "local_track_subscribed",
    "track_published",
    "track_unpublished",
    "track_subscribed",
    "track_unsubscribed",
    "track_subscription_failed",
    "track_muted",
    "track_unmuted",
    "active_speakers_changed",
    "data_track_published",
    "data_track_unpublished",
]
OtherEvent = Literal[
    "disconnected",
    "connection_state_changed",
    "connection_quality_changed",
    "participant_attributes_changed",
    "participant_encryption_status_changed",
    "participant_permissions_changed",
    "room_metadata_changed",
    "data_received",
    "sip_dtmf_received",
    "transcription_received",
    "chat_message_received",
    "e2ee_state_changed",
]
EventTypes = Literal[PlainEvent, PresenceEvent, TextEvent, OtherEvent, MediaEvent]
EVENT_NAMES: tuple[EventTypes, ...] = get_args(EventTypes)


class RoomEvent(NamedTuple):
    """An event's name and the arguments of its callbacks."""

    name: EventTypes
    args: tuple[Any, ...]


class RoomEvents:
    """An async iterator over the events of a room from its creation until the room disconnects."""

    def __init__(self, room: RoomEmitter, names: tuple[EventTypes, ...]) -> None:
        self._room = room
        self._buffer: deque[RoomEvent] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self._names = frozenset(names or EVENT_NAMES)
        self._callbacks: dict[EventTypes, Callable[..., None]] = {}
        emitter = cast("EventEmitter[EventTypes]", room)
        for name in EVENT_NAMES:
            if name in self._names or name == "disconnected":
                self._callbacks[name] = emitter.on(name, partial(self._put, name))

    def __aiter__(self) -> RoomEvents:
        return self

    async def __anext__(self) -> RoomEvent:
        self._room._check_loop()  # noqa: SLF001 - not part of the official `Room`
        while not self._buffer:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._buffer.popleft()

    def close(self) -> None:
        """Stop recording events. Buffered events can still be read."""
        self._ended = True
        self._changed.set()
        for name, callback in self._callbacks.items():
            self._room.off(name, callback)

    def _put(self, name: EventTypes, *args: Any) -> None:
        if name in self._names:
            self._buffer.append(RoomEvent(name, args))
            self._changed.set()
        if len(self._buffer) > MAX_BUFFERED_EVENTS:
            dropped = self._buffer.popleft()
            logger.warning("%d events are unread; dropped the oldest, %r", MAX_BUFFERED_EVENTS, dropped.name)
        if name == "disconnected":
            self.close()


class RoomEmitter(EventEmitter[EventTypes]):
    """Callbacks of a room by event. Each is passed as many of the event's arguments as it accepts."""

    _event_names = EVENT_NAMES

    def _check_loop(self) -> None:
        """Raise EventLoopError if the room belongs to another event loop."""

    def events(self, *names: EventTypes) -> RoomEvents:
        """Return an async iterator over these events, or all events, as an alternative to callbacks.

        It ends when the room disconnects. Each item is a `RoomEvent`, to be matched by name and arguments::

            async for event in room.events("data_received", "participant_connected"):
                match event:
                    case ("data_received", (packet,)):
                        ...
        """
        return RoomEvents(self, names)

    if TYPE_CHECKING:
        _A = TypeVar("_A")
        _B = TypeVar("_B")
        _C = TypeVar("_C")
        _Takes1 = Callable[[], object] | Callable[[_A], object]
        _Takes2 = _Takes1[_A] | Callable[[_A, _B], object]
        _Takes3 = _Takes2[_A, _B] | Callable[[_A, _B, _C], object]

        _Presence = _Takes1[RemoteParticipant]
        _PresenceF = TypeVar("_PresenceF", bound=_Presence)
        _Text = _Takes3[Participant, str, str]
        _TextF = TypeVar("_TextF", bound=_Text)
        _Attributes = _Takes2[dict[str, str], Participant]
        _AttributesF = TypeVar("_AttributesF", bound=_Attributes)
        _Permissions = _Takes2[Participant, models.ParticipantPermission]
        _PermissionsF = TypeVar("_PermissionsF", bound=_Permissions)
        _Encrypted = _Takes2[Participant, bool]
        _EncryptedF = TypeVar("_EncryptedF", bound=_Encrypted)
        _Quality = _Takes2[Participant, ConnectionQuality]
        _QualityF = TypeVar("_QualityF", bound=_Quality)
        _Metadata = _Takes2[str, str]
        _MetadataF = TypeVar("_MetadataF", bound=_Metadata)
        _Data = _Takes1[DataPacket]
        _DataF = TypeVar("_DataF", bound=_Data)
        _Dtmf = _Takes1[SipDTMF]
        _DtmfF = TypeVar("_DtmfF", bound=_Dtmf)
        _Chat = _Takes1[ChatMessage]
        _ChatF = TypeVar("_ChatF", bound=_Chat)
        _Transcription = _Takes3[list[TranscriptionSegment], Participant | None, TrackPublication | None]
        _TranscriptionF = TypeVar("_TranscriptionF", bound=_Transcription)
        _State = _Takes1[ConnectionState.ValueType]
        _StateF = TypeVar("_StateF", bound=_State)
        _E2ee = _Takes2[Participant, EncryptionState.ValueType]
        _E2eeF = TypeVar("_E2eeF", bound=_E2ee)
        _Reason = _Takes1[DisconnectReason.ValueType]
        _ReasonF = TypeVar("_ReasonF", bound=_Reason)
        _Plain = Callable[[], object]
        _PlainF = TypeVar("_PlainF", bound=_Plain)
        _Media = Callable[..., object]
        _MediaF = TypeVar("_MediaF", bound=_Media)

        # Ignored below: the base accepts any callback for any event, so its signature is less specific.
        @overload  # type: ignore[override]
        def on(self, event: PresenceEvent, callback: _Presence) -> _Presence: ...
        @overload
        def on(self, event: PresenceEvent, callback: None = ...) -> Callable[[_PresenceF], _PresenceF]: ...
        @overload
        def on(self, event: TextEvent, callback: _Text) -> _Text: ...
        @overload
        def on(self, event: TextEvent, callback: None = ...) -> Callable[[_TextF], _TextF]: ...
        @overload
        def on(self, event: Literal["participant_attributes_changed"], callback: _Attributes) -> _Attributes: ...
        @overload
        def on(
            self, event: Literal["participant_attributes_changed"], callback: None = ...
        ) -> Callable[[_AttributesF], _AttributesF]: ...
        @overload
        def on(self, event: Literal["participant_permissions_changed"], callback: _Permissions) -> _Permissions: ...
        @overload
        def on(
            self, event: Literal["participant_permissions_changed"], callback: None = ...
        ) -> Callable[[_PermissionsF], _PermissionsF]: ...
        @overload
        def on(self, event: Literal["participant_encryption_status_changed"], callback: _Encrypted) -> _Encrypted: ...
        @overload
        def on(
            self, event: Literal["participant_encryption_status_changed"], callback: None = ...
        ) -> Callable[[_EncryptedF], _EncryptedF]: ...
        @overload
        def on(self, event: Literal["connection_quality_changed"], callback: _Quality) -> _Quality: ...
        @overload
        def on(
            self, event: Literal["connection_quality_changed"], callback: None = ...
        ) -> Callable[[_QualityF], _QualityF]: ...
        @overload
        def on(self, event: Literal["room_metadata_changed"], callback: _Metadata) -> _Metadata: ...
        @overload
        def on(
            self, event: Literal["room_metadata_changed"], callback: None = ...
        ) -> Callable[[_MetadataF], _MetadataF]: ...
        @overload
        def on(self, event: Literal["data_received"], callback: _Data) -> _Data: ...
        @overload
        def on(self, event: Literal["data_received"], callback: None = ...) -> Callable[[_DataF], _DataF]: ...
        @overload
        def on(self, event: Literal["sip_dtmf_received"], callback: _Dtmf) -> _Dtmf: ...
        @overload
        def on(self, event: Literal["sip_dtmf_received"], callback: None = ...) -> Callable[[_DtmfF], _DtmfF]: ...
        @overload
        def on(self, event: Literal["chat_message_received"], callback: _Chat) -> _Chat: ...
        @overload
        def on(self, event: Literal["chat_message_received"], callback: None = ...) -> Callable[[_ChatF], _ChatF]: ...
        @overload
        def on(self, event: Literal["transcription_received"], callback: _Transcription) -> _Transcription: ...
        @overload
        def on(
            self, event: Literal["transcription_received"], callback: None = ...
        ) -> Callable[[_TranscriptionF], _TranscriptionF]: ...
        @overload
        def on(self, event: Literal["connection_state_changed"], callback: _State) -> _State: ...
        @overload
        def on(
            self, event: Literal["connection_state_changed"], callback: None = ...
        ) -> Callable[[_StateF], _StateF]: ...
        @overload
        def on(self, event: Literal["e2ee_state_changed"], callback: _E2ee) -> _E2ee: ...
        @overload
        def on(self, event: Literal["e2ee_state_changed"], callback: None = ...) -> Callable[[_E2eeF], _E2eeF]: ...
        @overload
        def on(self, event: Literal["disconnected"], callback: _Reason) -> _Reason: ...
        @overload
        def on(self, event: Literal["disconnected"], callback: None = ...) -> Callable[[_ReasonF], _ReasonF]: ...
        @overload
        def on(self, event: PlainEvent, callback: _Plain) -> _Plain: ...
        @overload
        def on(self, event: PlainEvent, callback: None = ...) -> Callable[[_PlainF], _PlainF]: ...
        @overload
        def on(self, event: MediaEvent, callback: _Media) -> _Media: ...
        @overload
        def on(self, event: MediaEvent, callback: None = ...) -> Callable[[_MediaF], _MediaF]: ...
        def on(self, event: Any, callback: Any = None) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride]

"""The data tracks of a joined room, local and remote."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from livekit._util.aio import within
from livekit._util.buffers import to_bytes
from livekit._util.callbacks import ignore
from livekit._util.enum_names import enum_name
from livekit._util.logs import RateLimitedLog
from livekit.e2ee.decryption import decrypt
from livekit.e2ee.keys import IV_BYTES
from livekit.protocol import models, rtc

from .errors import PublishDataTrackError, PushFrameError
from .frames import DataTrackFrame
from .packet import E2EE_EXTENSION, MAX_HANDLE, TIMESTAMP_EXTENSION, BadTrackPacketError, decode
from .packetizer import FrameTooLargeError, Packetizer
from .track_state import DataTrackInfo, LocalTrackState, RemoteTrackState
from .tracks import LocalDataTrack, RemoteDataTrack

if TYPE_CHECKING:
    from livekit.e2ee import E2EEManager
    from livekit.engine.interfaces import Engine

logger = logging.getLogger("livekit")

PUBLISH_TIMEOUT = 10.0
"""Seconds to wait for the server's response."""
REPUBLISH_GRACE = 5.0
"""Seconds that a publisher has to publish its tracks again after a full reconnect."""

_Reason = rtc.RequestResponse.Reason
_TrackKey = tuple[str, str]
"""Publisher identity and track name."""


class DataTrackManager:
    """Publishes data tracks, subscribes to remote ones, and sends and receives their frames."""

    def __init__(self, engine: Engine, e2ee: E2EEManager, *, strict: bool, emit: Callable[..., None]) -> None:
        self.identity = ""
        """The local participant's identity, whose key encrypts frames."""
        self._engine = engine
        self._drop_log = RateLimitedLog(logger)
        self._e2ee = e2ee
        self._strict = strict
        self._emit = emit
        self._local: dict[int, LocalTrackState] = {}
        """Published local tracks by handle."""
        self._pending: dict[int, asyncio.Future[models.DataTrackInfo]] = {}
        """Publish requests that wait for a response, by handle."""
        self._last_handle = 0
        self._remote: dict[_TrackKey, RemoteTrackState] = {}
        self._republish_timers: dict[_TrackKey, asyncio.TimerHandle] = {}
        """Remote tracks whose publishers have reconnected in full and not published them again yet."""
        self._subscribed_sids: dict[int, str] = {}
        """Sids of subscribed tracks by the handle in received packets."""
        self.signal_handlers: dict[str, Callable[[rtc.SignalResponse], None]] = {
            "publish_data_track_response": lambda m: self._on_published(m.publish_data_track_response.info),
            "unpublish_data_track_response": lambda m: self._on_unpublished(m.unpublish_data_track_response.info),
            "data_track_subscriber_handles": lambda m: self._on_subscriber_handles(m.data_track_subscriber_handles),
        }
        engine.on_track_packet = self._on_packet

    # Local tracks

    async def publish(self, name: str) -> LocalDataTrack:
        """Publish a track. Raises PublishDataTrackError, SessionClosedError."""
        handle = self._next_handle()
        future = self._pending[handle] = asyncio.get_running_loop().create_future()
        try:
            self._engine.send_signal(self._publish_request(handle, name))
            self._engine.open_track_channel()
            await within(PUBLISH_TIMEOUT, self._engine.wait_track_channel())
            info = await within(PUBLISH_TIMEOUT, _result(future))
        except asyncio.TimeoutError:
            raise PublishDataTrackError(f"the server did not answer within {PUBLISH_TIMEOUT:g} s") from None
        finally:
            del self._pending[handle]
        packetizer = Packetizer(handle, first_tick=random.getrandbits(32))
        state = self._local[handle] = LocalTrackState(
            _track_info(info), lambda frame: self._push(packetizer, frame), lambda: self._unpublish(handle)
        )
        return LocalDataTrack(state)

    def on_request_response(self, response: rtc.RequestResponse) -> None:
        """Fail the publish request that the server refused. Ignores responses to other requests."""
        future = self._pending.get(response.publish_data_track.pub_handle)
        if response.HasField("publish_data_track") and future is not None and not future.done():
            reason = enum_name(_Reason, response.reason)
            future.set_exception(PublishDataTrackError(f"{reason}: {response.message or 'the server refused'}"))

    def _publish_request(self, handle: int, name: str) -> rtc.SignalRequest:
        encryption = models.Encryption.GCM if self._encrypts else models.Encryption.NONE
        request = rtc.PublishDataTrackRequest(pub_handle=handle, name=name, encryption=encryption)
        return rtc.SignalRequest(publish_data_track_request=request)

    def _next_handle(self) -> int:
        while True:
            self._last_handle = self._last_handle % MAX_HANDLE + 1
            if self._last_handle not in self._local and self._last_handle not in self._pending:
                return self._last_handle

    def _on_published(self, info: models.DataTrackInfo) -> None:
        future = self._pending.get(info.pub_handle)
        if future is not None and not future.done():
            future.set_result(info)
        elif info.pub_handle in self._local:
            self._local[info.pub_handle].info = _track_info(info)

    def _unpublish(self, handle: int) -> None:
        self._local.pop(handle).is_published = False
        request = rtc.UnpublishDataTrackRequest(pub_handle=handle)
        self._engine.send_signal(rtc.SignalRequest(unpublish_data_track_request=request))

    def _on_unpublished(self, info: models.DataTrackInfo) -> None:
        track = self._local.pop(info.pub_handle, None)
        if track is not None:
            track.is_published = False

    def _push(self, packetizer: Packetizer, frame: DataTrackFrame) -> None:
        extensions: dict[int, bytes] = {}
        payload = to_bytes(frame.payload, "payload")
        if self._encrypts:
            payload, extensions[E2EE_EXTENSION] = self._encrypt(payload)
        if frame.user_timestamp is not None:
            extensions[TIMESTAMP_EXTENSION] = frame.user_timestamp.to_bytes(8, "big")
        now = asyncio.get_running_loop().time()
        try:
            packets = packetizer.packetize(payload, extensions, now)
        except FrameTooLargeError as error:
            raise PushFrameError(str(error)) from error
        if not all(self._engine.send_track_packet(packet.encode()) for packet in packets):
            raise PushFrameError("the room is not connected, or its send buffer is full; try again with a later frame")

    # Remote tracks

    def sync_remote_tracks(self, participants: Mapping[str, models.ParticipantInfo]) -> None:
        """Apply the announced tracks of all remote participants, by identity, and emit what changed."""
        announced = {
            (identity, info.name): info
            for identity, participant in participants.items()
            for info in participant.data_tracks
        }
        for key in [key for key in self._remote if key not in announced]:
            publisher = participants.get(key[0])
            if publisher is not None and publisher.sid != self._remote[key].publisher_sid:
                self._await_republish(key)
            else:
                self._remove(key)
        for key, info in announced.items():
            self._cancel_republish_timer(key)
            self._apply(key, participants[key[0]].sid, info)

    def _apply(self, key: _TrackKey, publisher_sid: str, info: models.DataTrackInfo) -> None:
        """Add an announced track, or update its sid."""
        track = self._remote.get(key)
        if track is None:
            track = self._remote[key] = RemoteTrackState(_track_info(info), key[0], publisher_sid, self._subscribe)
            self._emit("data_track_published", RemoteDataTrack(track))
            return
        track.publisher_sid = publisher_sid
        if track.info.sid != info.sid:
            track.info = _track_info(info)
            if track.buffers:
                self._subscribe(track, True)

    def _await_republish(self, key: _TrackKey) -> None:
        """Keep a track whose publisher has reconnected in full for `REPUBLISH_GRACE` seconds."""
        if key not in self._republish_timers:
            loop = asyncio.get_running_loop()
            self._republish_timers[key] = loop.call_later(REPUBLISH_GRACE, self._remove, key)

    def _cancel_republish_timer(self, key: _TrackKey) -> None:
        timer = self._republish_timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _remove(self, key: _TrackKey) -> None:
        self._cancel_republish_timer(key)
        track = self._remote.pop(key)
        track.end()
        self._emit("data_track_unpublished", track.info.sid)

    def _subscribe(self, track: RemoteTrackState, subscribe: bool) -> None:
        if subscribe:
            self._engine.open_track_channel()
        update = rtc.UpdateDataSubscription.Update(track_sid=track.info.sid, subscribe=subscribe)
        self._engine.send_signal(
            rtc.SignalRequest(update_data_subscription=rtc.UpdateDataSubscription(updates=[update]))
        )

    def _on_subscriber_handles(self, handles: rtc.DataTrackSubscriberHandles) -> None:
        self._subscribed_sids = {handle: track.track_sid for handle, track in handles.sub_handles.items()}

    def _on_packet(self, data: bytes) -> None:
        try:
            packet = decode(data)
        except BadTrackPacketError as error:
            logger.debug("dropped an invalid data track packet: %s", error)
            return
        sid = self._subscribed_sids.get(packet.handle)
        track = next((t for t in self._remote.values() if t.info.sid == sid), None)
        frame = None if track is None else track.depacketizer.push(packet)
        if track is None or frame is None:
            return
        payload, extensions = frame
        plain = self._decrypt(track, payload, extensions)
        if plain is not None:
            track.deliver(plain, extensions)

    # Encryption

    @property
    def _encrypts(self) -> bool:
        return self._strict and self._e2ee.enabled

    def _encrypt(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return the encrypted payload and the E2EE extension. Raises PushFrameError if there is no key."""
        provider = self._e2ee.key_provider
        index = 0 if provider is None else provider.latest_index
        key = None if provider is None else provider.sending_ring(self.identity).get(index)
        if key is None:
            raise PushFrameError(
                f"no encryption key at index {index} to send with; set one with the room's KeyProvider"
            )
        iv = os.urandom(IV_BYTES)
        return key.aead.encrypt(iv, payload, None), bytes((index,)) + iv

    def _decrypt(self, track: RemoteTrackState, payload: bytes, extensions: dict[int, bytes]) -> bytes | None:
        """Return the plaintext payload; None if decryption fails, or if encryption is required and missing."""
        extension = extensions.get(E2EE_EXTENSION)
        provider = self._e2ee.key_provider
        if extension is None:
            return None if self._strict else payload
        sender = track.publisher_identity
        plain = decrypt(provider, sender, extension[0], extension[1:], payload, report=ignore) if extension else None
        if plain is None:
            self._drop_log.warn(
                sender, "dropped a frame of data track %r that cannot be decrypted", track.info.name, participant=sender
            )
        return plain

    # The connection

    def restore(self) -> None:
        """Publish and subscribe again after a full reconnect: the server has lost this participant's tracks."""
        self._subscribed_sids.clear()
        if self._local or self._pending:
            self._engine.open_track_channel()
        for handle, track in self._local.items():
            self._engine.send_signal(self._publish_request(handle, track.info.name))
        for remote in self._remote.values():
            if remote.buffers:
                self._subscribe(remote, True)

    def close(self) -> None:
        """Fail pending requests and end all tracks."""
        for future in self._pending.values():
            if not future.done():
                future.set_exception(PublishDataTrackError("the room was disconnected before the server answered"))
        for track in self._local.values():
            track.is_published = False
        self._local.clear()
        for remote in self._remote.values():
            remote.end()
        for timer in self._republish_timers.values():
            timer.cancel()
        self._remote.clear()


def _track_info(info: models.DataTrackInfo) -> DataTrackInfo:
    return DataTrackInfo(info.sid, info.name, info.encryption != models.Encryption.NONE)


async def _result(future: asyncio.Future[models.DataTrackInfo]) -> models.DataTrackInfo:
    return await future

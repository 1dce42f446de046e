"""The data tracks of one stay in a room: what we publish, and what others do."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from livekit._util.aio import within
from livekit._util.enum_names import enum_name
from livekit._util.logs import RateLimitedLog
from livekit.protocol import models, rtc

from .frames import FrameTooLargeError, Packetizer
from .packet import E2EE_EXTENSION, MAX_HANDLE, TIMESTAMP_EXTENSION, BadTrackPacketError, decode
from .tracks import (
    DataTrackFrame,
    DataTrackInfo,
    LocalDataTrack,
    PublishDataTrackError,
    PushFrameError,
    RemoteDataTrack,
)

if TYPE_CHECKING:
    from livekit.e2ee import E2EEManager
    from livekit.engine.interfaces import Engine
    from livekit.participant import RemoteParticipant

logger = logging.getLogger("livekit")

PUBLISH_TIMEOUT = 10.0
"""Seconds until the server must have answered."""
RETURN_TIMEOUT = 5.0
"""Seconds that a publisher who reconnected in full has to publish its tracks again."""
IV_BYTES = 12

_Reason = rtc.RequestResponse.Reason


class DataTrackManager:
    """Publishes, subscribes, and carries frames; owned by a `RoomSession`."""

    def __init__(self, session: Engine, e2ee: E2EEManager, *, strict: bool, emit: Callable[..., None]) -> None:
        self.identity = ""
        self._engine = session
        self._garbage = RateLimitedLog(logger)
        self._e2ee = e2ee
        self._strict = strict
        self._emit = emit
        self._local: dict[int, LocalDataTrack] = {}
        """What we publish, by our handle."""
        self._asked: dict[int, asyncio.Future[models.DataTrackInfo]] = {}
        self._last_handle = 0
        self._remote: dict[tuple[str, str], RemoteDataTrack] = {}
        """What others publish, by identity and name."""
        self._publishers: dict[tuple[str, str], str] = {}
        """The sid that the publisher of each had when it was announced last."""
        self._awaited: dict[tuple[str, str], asyncio.TimerHandle] = {}
        """Which of them their publishers, who reconnected, have not published again yet."""
        self._handles: dict[int, str] = {}
        """What comes to us, by handle: the track's sid."""
        self.signals: dict[str, Callable[[rtc.SignalResponse], None]] = {
            "publish_data_track_response": lambda m: self._published(m.publish_data_track_response.info),
            "unpublish_data_track_response": lambda m: self._unpublished(m.unpublish_data_track_response.info),
            "data_track_subscriber_handles": lambda m: self._handles_changed(m.data_track_subscriber_handles),
        }
        session.on_track_packet = self._received

    # What we publish

    async def publish(self, name: str) -> LocalDataTrack:
        """Raises PublishDataTrackError, SessionClosedError."""
        handle = self._new_handle()
        future = self._asked[handle] = asyncio.get_running_loop().create_future()
        try:
            self._engine.send_signal(self._request(handle, name))
            self._engine.open_track_channel()
            await within(PUBLISH_TIMEOUT, self._engine.wait_track_channel())
            info = await within(PUBLISH_TIMEOUT, _result(future))
        except asyncio.TimeoutError:
            raise PublishDataTrackError(f"the server did not answer within {PUBLISH_TIMEOUT:g} s") from None
        finally:
            del self._asked[handle]
        packetizer = Packetizer(handle, first_tick=random.getrandbits(32))
        track = LocalDataTrack(
            _info(info), lambda frame: self._push(packetizer, frame), lambda: self._unpublish(handle)
        )
        self._local[handle] = track
        return track

    def refused(self, answer: rtc.RequestResponse) -> None:
        """A request of ours was refused."""
        future = self._asked.get(answer.publish_data_track.pub_handle)
        if answer.HasField("publish_data_track") and future is not None and not future.done():
            reason = enum_name(_Reason, answer.reason)
            future.set_exception(PublishDataTrackError(f"{reason}: {answer.message or 'the server refused'}"))

    def _request(self, handle: int, name: str) -> rtc.SignalRequest:
        encryption = models.Encryption.GCM if self._encrypts else models.Encryption.NONE
        request = rtc.PublishDataTrackRequest(pub_handle=handle, name=name, encryption=encryption)
        return rtc.SignalRequest(publish_data_track_request=request)

    def _new_handle(self) -> int:
        while True:
            self._last_handle = self._last_handle % MAX_HANDLE + 1
            if self._last_handle not in self._local and self._last_handle not in self._asked:
                return self._last_handle

    def _published(self, info: models.DataTrackInfo) -> None:
        future = self._asked.get(info.pub_handle)
        if future is not None and not future.done():
            future.set_result(info)
        elif info.pub_handle in self._local:
            self._local[info.pub_handle]._info = _info(info)

    def _unpublish(self, handle: int) -> None:
        track = self._local.pop(handle)
        track._published = False
        request = rtc.UnpublishDataTrackRequest(pub_handle=handle)
        self._engine.send_signal(rtc.SignalRequest(unpublish_data_track_request=request))

    def _unpublished(self, info: models.DataTrackInfo) -> None:
        track = self._local.pop(info.pub_handle, None)
        if track is not None:
            track._published = False

    def _push(self, packetizer: Packetizer, frame: DataTrackFrame) -> None:
        extensions: dict[int, bytes] = {}
        payload = bytes(frame.payload)
        if self._encrypts:
            payload, extensions[E2EE_EXTENSION] = self._sealed(payload)
        if frame.user_timestamp is not None:
            extensions[TIMESTAMP_EXTENSION] = frame.user_timestamp.to_bytes(8, "big")
        now = asyncio.get_running_loop().time()
        try:
            packets = packetizer.packetize(payload, extensions, now)
        except FrameTooLargeError as error:
            raise PushFrameError(str(error)) from error
        if not all(self._engine.send_track_packet(packet.encode()) for packet in packets):
            raise PushFrameError("the room is not connected, or too much waits to be sent already")

    # What others publish

    def announced(self, participants: Mapping[str, RemoteParticipant]) -> None:
        """The state of the room as of now: tell what tracks came and went."""
        present = {
            (identity, info.name): info
            for identity, participant in participants.items()
            for info in participant._info.data_tracks
        }
        for key in [key for key in self._remote if key not in present]:
            publisher = participants.get(key[0])
            if publisher is not None and publisher.sid != self._publishers[key]:
                self._await_return(key)
            else:
                self._gone(key)
        for key in present:
            self._publishers[key] = participants[key[0]].sid
            self._returned(key)
        for (identity, name), info in present.items():
            known = self._remote.get((identity, name))
            if known is None:
                track = self._remote[identity, name] = RemoteDataTrack(_info(info), identity, self._subscribe)
                self._emit("data_track_published", track)
            elif known._info.sid != info.sid:
                known._info = _info(info)
                if known._streams:
                    self._subscribe(known, True)

    def _await_return(self, key: tuple[str, str]) -> None:
        """The publisher reconnected in full, and will publish the track again if it still wants to."""
        if key not in self._awaited:
            self._awaited[key] = asyncio.get_running_loop().call_later(RETURN_TIMEOUT, self._gone, key)

    def _returned(self, key: tuple[str, str]) -> None:
        timer = self._awaited.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _gone(self, key: tuple[str, str]) -> None:
        self._returned(key)
        del self._publishers[key]
        track = self._remote.pop(key)
        track._end()
        self._emit("data_track_unpublished", track.info.sid)

    def _subscribe(self, track: RemoteDataTrack, subscribe: bool) -> None:
        if subscribe:
            self._engine.open_track_channel()
        update = rtc.UpdateDataSubscription.Update(track_sid=track.info.sid, subscribe=subscribe)
        self._engine.send_signal(
            rtc.SignalRequest(update_data_subscription=rtc.UpdateDataSubscription(updates=[update]))
        )

    def _handles_changed(self, handles: rtc.DataTrackSubscriberHandles) -> None:
        self._handles = {handle: track.track_sid for handle, track in handles.sub_handles.items()}

    def _received(self, data: bytes) -> None:
        try:
            packet = decode(data)
        except BadTrackPacketError as error:
            logger.debug("dropped a packet on the channel of data tracks: %s", error)
            return
        sid = self._handles.get(packet.handle)
        track = next((t for t in self._remote.values() if t.info.sid == sid), None)
        whole = None if track is None else track._depacketizer.push(packet)
        if track is None or whole is None:
            return
        payload = self._opened(track, *whole)
        if payload is not None:
            track._received(payload, whole[1])

    # Encryption

    @property
    def _encrypts(self) -> bool:
        return self._strict and self._e2ee.enabled

    def _sealed(self, payload: bytes) -> tuple[bytes, bytes]:
        """Raises PushFrameError."""
        provider = self._e2ee.key_provider
        index = 0 if provider is None else provider.latest_index
        key = None if provider is None else provider.ring(self.identity).get(index)
        if key is None:
            raise PushFrameError(f"no encryption key at index {index} to send with")
        iv = os.urandom(IV_BYTES)
        return key.aead.encrypt(iv, payload, None), bytes((index,)) + iv

    def _opened(self, track: RemoteDataTrack, payload: bytes, extensions: dict[int, bytes]) -> bytes | None:
        """The frame in plain; None where it cannot be opened, or came in plain although it must not."""
        sealed = extensions.get(E2EE_EXTENSION)
        provider = self._e2ee.key_provider
        if sealed is None:
            return None if self._strict else payload
        key = None if provider is None else provider.ring(track.publisher_identity).get(sealed[0])
        if key is None or len(sealed) != 1 + IV_BYTES:
            return None
        try:
            return key.aead.decrypt(sealed[1:], payload, None)
        except InvalidTag:
            sender = track.publisher_identity
            self._garbage.warn(sender, "dropped a frame of %r that cannot be decrypted", track, participant=sender)
            return None

    # The connection

    def rejoined(self) -> None:
        """The server knows us anew, and nothing of our tracks: publish and subscribe again."""
        self._handles.clear()
        if self._local or self._asked:
            self._engine.open_track_channel()
        for handle, track in self._local.items():
            self._engine.send_signal(self._request(handle, track.info.name))
        for remote in self._remote.values():
            if remote._streams:
                self._subscribe(remote, True)

    def close(self) -> None:
        """The room is not connected any more."""
        for future in self._asked.values():
            if not future.done():
                future.set_exception(PublishDataTrackError("the room was disconnected before the server answered"))
        for track in self._local.values():
            track._published = False
        self._local.clear()
        for remote in self._remote.values():
            remote._end()
        for timer in self._awaited.values():
            timer.cancel()
        self._remote.clear()


def _info(info: models.DataTrackInfo) -> DataTrackInfo:
    return DataTrackInfo(info.sid, info.name, info.encryption != models.Encryption.NONE)


async def _result(future: asyncio.Future[models.DataTrackInfo]) -> models.DataTrackInfo:
    return await future

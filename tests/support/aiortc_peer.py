"""The PeerConnection interface implemented with aiortc, a second WebRTC stack to test against."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence

from aiortc import (
    InvalidStateError,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from livekit._util.aio import finish
from livekit._util.callbacks import ignore
from livekit.webrtc.interfaces import (
    ChannelError,
    ChannelOptions,
    DataChannel,
    IceServerSettings,
    PeerOptions,
    PeerState,
)

from .media_sections import restore_media, take_out_media

logger = logging.getLogger("livekit.webrtc")

DEFAULT_MAX_MESSAGE_SIZE = 65_536
"""RFC 8841 section 6.1: the limit of a peer that does not send a=max-message-size."""


def _is_unusable(candidate: str) -> bool:
    """Return True for TCP candidates, which aiortc does not support, and for mDNS names.

    Browsers hide local addresses behind mDNS names (RFC 8828). Resolving these fails after seconds; the browser's
    connectivity checks reveal the addresses sooner (peer-reflexive candidates).
    """
    fields = candidate.split()
    return "tcp" in fields or any(field.endswith(".local") for field in fields)


def _without_unusable_candidates(sdp: str) -> str:
    lines = sdp.split("\r\n")
    return "\r\n".join(line for line in lines if not (line.startswith("a=candidate:") and _is_unusable(line.lower())))


class AiortcDataChannel:
    """A data channel of aiortc. aiortc does not report acknowledgements, so a sent message counts as delivered."""

    def __init__(self, channel: RTCDataChannel, peer: AiortcPeerConnection) -> None:
        self.on_open: Callable[[], None] = ignore
        self.on_message: Callable[[bytes], None] = ignore
        self.on_close: Callable[[], None] = ignore
        self.on_buffered_amount_low: Callable[[], None] = ignore
        self._channel = channel
        self._peer = peer
        channel.on("open", lambda: self._guard(self.on_open))
        channel.on("message", self._received)
        channel.on("close", lambda: self._guard(self.on_close))
        channel.on("bufferedamountlow", lambda: self._guard(self.on_buffered_amount_low))

    @property
    def label(self) -> str:
        return str(self._channel.label)

    @property
    def is_open(self) -> bool:
        return bool(self._channel.readyState == "open")

    @property
    def buffered_amount(self) -> int:
        return int(self._channel.bufferedAmount)

    @property
    def send_window(self) -> int:
        return 1 << 20  # aiortc does not expose it

    @property
    def buffered_amount_low_threshold(self) -> int:
        return int(self._channel.bufferedAmountLowThreshold)

    @buffered_amount_low_threshold.setter
    def buffered_amount_low_threshold(self, value: int) -> None:
        self._channel.bufferedAmountLowThreshold = value

    def send(self, data: bytes, on_delivered: Callable[[], None] | None = None) -> None:
        if len(data) > self._peer.max_message_size:
            raise ChannelError(
                f"a message of {len(data)} bytes is over the peer's limit of {self._peer.max_message_size}"
            )
        try:
            self._channel.send(data)
        except InvalidStateError as error:
            raise ChannelError(f"data channel {self.label!r} is {self._channel.readyState}") from error
        if on_delivered is not None:
            on_delivered()

    def _received(self, message: bytes | str) -> None:
        data = message.encode() if isinstance(message, str) else message
        self._guard(lambda: self.on_message(data))

    def _guard(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            logger.exception("a callback of data channel %r failed", self.label)


class AiortcPeerConnection:
    """A peer connection of aiortc. aiortc has no trickle ICE, so `on_candidate` only reports the end of gathering."""

    def __init__(self, options: PeerOptions) -> None:
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        servers = [
            RTCIceServer(urls=list(s.urls), username=s.username or None, credential=s.credential or None)
            for s in options.ice_servers
        ]
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._pending_candidates: list[str] = []
        self._peer.on("connectionstatechange", self._state_changed)
        self._peer.on("datachannel", self._channel_opened)

    @property
    def state(self) -> PeerState:
        return PeerState(self._peer.connectionState)

    @property
    def max_message_size(self) -> int:
        # Only aiortc 1.16 and newer expose it.
        return getattr(self._peer.sctp, "_remote_max_message_size", None) or DEFAULT_MAX_MESSAGE_SIZE

    @property
    def round_trip_time(self) -> float | None:
        return None if self._peer.sctp is None else self._peer.sctp._srtt

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        """Do nothing: aiortc takes ICE servers only at construction."""

    def create_channel(self, options: ChannelOptions) -> AiortcDataChannel:
        channel = self._peer.createDataChannel(
            options.label, ordered=options.ordered, maxRetransmits=options.max_retransmits
        )
        return AiortcDataChannel(channel, self)

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        if ice_restart:
            raise ValueError("this peer connection cannot restart ICE; make a new one")
        await self._describe_locally(await self._peer.createOffer())
        self.on_candidate(None)
        return str(self._peer.localDescription.sdp)

    async def accept_offer(self, sdp: str) -> str:
        media = await self._set_remote(sdp, "offer")
        await self._describe_locally(await self._peer.createAnswer())
        self.on_candidate(None)
        return restore_media(str(self._peer.localDescription.sdp), media)

    async def accept_answer(self, sdp: str) -> None:
        _ = await self._set_remote(sdp, "answer")

    async def _set_remote(self, sdp: str, kind: str) -> list[list[str] | None]:
        """Set the remote description and return the plan of its media sections. Raises ValueError."""
        try:
            data_only, media = take_out_media(sdp)
            if None not in media:
                raise ValueError("it has no section for data channels")
            await self._peer.setRemoteDescription(RTCSessionDescription(_without_unusable_candidates(data_only), kind))
        except (AssertionError, AttributeError, InvalidStateError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"the {kind} cannot be used: {error}") from error
        await self._flush_candidates()
        return media

    async def add_candidate(self, candidate: str | None) -> None:
        if candidate is None:
            return
        self._pending_candidates.append(candidate)
        if self._peer.remoteDescription is not None:  # pyright: ignore[reportUnnecessaryComparison]  # None at first
            await self._flush_candidates()

    async def close(self) -> None:
        sctp = self._peer.sctp
        await self._peer.close()
        if sctp is not None:
            # If connectivity checks end just before closing, aioice starts consent checks: close again after that.
            ice = sctp.transport.transport
            started = getattr(ice, "_RTCIceTransport__start", None)
            if started is not None:
                await started.wait()
                await ice._connection.close()

    async def _describe_locally(self, description: RTCSessionDescription) -> None:
        # Cancelling it while gathering would leak sockets.
        await finish(self._peer.setLocalDescription(description))

    async def _flush_candidates(self) -> None:
        pending, self._pending_candidates = self._pending_candidates, []
        for text in pending:
            try:
                init = json.loads(text)
                line = str(init["candidate"]).removeprefix("candidate:")
                if not line or _is_unusable(line.lower()):
                    continue
                candidate = candidate_from_sdp(line)
                candidate.sdpMid = init.get("sdpMid")
                candidate.sdpMLineIndex = init.get("sdpMLineIndex")
                await self._peer.addIceCandidate(candidate)
            except (AssertionError, KeyError, ValueError, IndexError, TypeError, AttributeError):
                logger.debug("ignored an ICE candidate that cannot be used: %r", text)

    def _state_changed(self) -> None:
        try:
            self.on_state(self.state)
        except Exception:
            logger.exception("a callback for the peer connection's state failed")

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        wrapped = AiortcDataChannel(channel, self)
        try:
            self.on_channel(wrapped)
        except Exception:
            logger.exception("a callback for a new data channel failed")

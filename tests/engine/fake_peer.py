"""A peer connection without I/O, for tests of the layers above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livekit._util.callbacks import ignore
from livekit.webrtc import ChannelOptions, DataChannel, IceServerSettings, PeerState
from tests.engine.fake_channel import FakeChannel


class FakePeer:
    """Records negotiation steps; `set_state` changes its state."""

    def __init__(self) -> None:
        self.on_state: Callable[[PeerState], None] = ignore
        self.on_channel: Callable[[DataChannel], None] = ignore
        self.on_candidate: Callable[[str | None], None] = ignore
        self.state = PeerState.NEW
        self.max_message_size = 65_536
        self.round_trip_time: float | None = None
        self.steps: list[str] = []
        self.ice_servers: list[IceServerSettings] = []
        self.channels: list[FakeChannel] = []
        self.error: Exception | None = None
        """Raised by the next step."""

    def set_state(self, state: PeerState) -> None:
        self.state = state
        self.on_state(state)

    def use_ice_servers(self, servers: Sequence[IceServerSettings]) -> None:
        self.ice_servers = list(servers)

    def create_channel(self, options: ChannelOptions) -> DataChannel:
        channel = FakeChannel(options.label)
        channel.is_open = False
        self.channels.append(channel)
        return channel

    async def create_offer(self, *, ice_restart: bool = False) -> str:
        self._step("restart" if ice_restart else "offer")
        return "offer"

    async def accept_offer(self, sdp: str) -> str:
        self._step(sdp)
        return f"answer to {sdp}"

    async def accept_answer(self, sdp: str) -> None:
        self._step(sdp)

    async def add_candidate(self, candidate: str | None) -> None:
        self._step(candidate or "")

    async def close(self) -> None:
        self.state = PeerState.CLOSED

    def _step(self, step: str) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.steps.append(step)

"""Two associations on an emulated network, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable

from livekit.testing.netem import LinkOptions, Network
from livekit.webrtc.sctp import Association, Channel, CloseReason, State
from livekit.webrtc.sctp.packet import PacketHeader, iterate_chunks


class End:
    """An association and the events it reported."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self.channels: list[Channel] = []
        self.messages: dict[str, list[bytes]] = {}
        self.closed_channels: list[str] = []
        self.closed: list[CloseReason] = []
        self.restarts = 0
        association.on_channel = self._on_channel
        association.on_closed = self.closed.append
        association.on_restart = self._on_restart

    def _on_channel(self, channel: Channel) -> None:
        self.channels.append(channel)
        self.watch(channel)

    def watch(self, channel: Channel) -> Channel:
        channel.on_message = self.messages.setdefault(channel.label, []).append
        channel.on_close = lambda: self.closed_channels.append(channel.label)
        return channel

    def _on_restart(self) -> None:
        self.restarts += 1

    @property
    def state(self) -> State:
        return self.association.state


class Pair:
    """A client, a server and the network between them."""

    def __init__(
        self,
        seed: int = 1,
        link: LinkOptions | None = None,
        *,
        back: LinkOptions | None = None,
        connect: bool = True,
        both_initiate: bool = True,
        max_retransmits: int = 20,
    ) -> None:
        self.random = random.Random(seed)
        randbits = self.random.getrandbits
        self.client = End(Association(randbits=randbits, max_retransmits=max_retransmits))
        self.server = End(Association(randbits=randbits, max_retransmits=max_retransmits))
        link = link or LinkOptions(delay=0.01)
        self.network = Network(self.client.association, self.server.association, seed=seed, link=link, back=back)
        if connect:
            self.connect(both_initiate=both_initiate)

    def connect(self, *, both_initiate: bool = True) -> None:
        self.client.association.connect(self.now, is_client=True)
        self.server.association.connect(self.now, is_client=False, initiate=both_initiate)

    @property
    def now(self) -> float:
        return self.network.now

    def run(self, until: Callable[[], bool], limit: float = 60.0) -> None:
        assert self.network.run(until=until, limit=limit), f"not within {limit} s"

    def settle(self, seconds: float = 5.0) -> None:
        """Advance the clock, whatever happens."""
        self.network.run(until=lambda: False, limit=seconds)

    def establish(self) -> Pair:
        self.run(lambda: self.client.state is self.server.state is State.ESTABLISHED)
        return self

    def open(
        self,
        label: str = "x",
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime_ms: int | None = None,
    ) -> tuple[Channel, Channel]:
        """Open a channel of the client; return it and the server's."""
        count = len(self.server.channels)
        channel = self.client.association.open_channel(
            label, ordered=ordered, max_retransmits=max_retransmits, lifetime_ms=lifetime_ms
        )
        self.client.watch(channel)
        self.run(lambda: channel.is_open and len(self.server.channels) > count)
        return channel, self.server.channels[-1]


def inject(pair: Pair, *chunks: bytes) -> list[bytes]:
    """Inject chunks into the server as if from the client; return the chunks of its answer."""
    server = pair.server.association
    server.receive_datagram(PacketHeader(server.tcb.local_tag).packet(chunks), pair.now)
    return [
        packet[start - 4 : end]
        for packet in server.datagrams_to_send(pair.now)
        for _, _, start, end in iterate_chunks(packet)
    ]

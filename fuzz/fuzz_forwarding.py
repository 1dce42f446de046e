"""Forwarding of data packets: raises nothing, and each receiver sees the real sender.

Run as `python -m fuzz.fuzz_forwarding [COUNT] [SEED]`.
"""

from __future__ import annotations

import contextlib

from fuzz.fuzz_packets import SEEDS as PACKETS
from fuzz.mutate import Fuzzer
from fuzz.server_rooms import join_all
from livekit.protocol import models
from livekit.server.forwarding import forward
from livekit.server.participant import Participant

ALLOWED: tuple[type[Exception], ...] = ()
_MAY_BE_GENERATED = ("chat_message", "stream_header")


class Room:
    """A room in which every participant sends every input."""

    def __init__(self) -> None:
        _, self._room, self._participants = join_all()

    def target(self, data: bytes) -> None:
        for sender in self._participants:
            sender.last_sequence = 0
            for reliable in (True, False):
                forward(self._room, sender, data, reliable=reliable, now=0.0)
                for receiver, link in self._participants.items():
                    if link.packet:
                        _check(sender, receiver, models.DataPacket.FromString(link.packet), reliable=reliable)
                    link.packet = b""


def _check(sender: Participant, receiver: Participant, packet: models.DataPacket, *, reliable: bool) -> None:
    kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    named = {packet.participant_identity, *([packet.user.participant_identity] if packet.HasField("user") else [])}
    may_send_on_behalf = sender.is_agent and packet.WhichOneof("value") in _MAY_BE_GENERATED
    if receiver is sender or packet.participant_sid != sender.sid or packet.kind != kind:
        raise AssertionError(f"{sender} sent {packet} to {receiver}")
    if not may_send_on_behalf and named != {sender.visible_identity}:
        raise AssertionError(f"{sender} appears as {named}")


FUZZER = Fuzzer("forwarding", PACKETS, ALLOWED, lambda: contextlib.nullcontext(Room().target))

if __name__ == "__main__":
    FUZZER.main()

"""Bufferbloat: links of 256 kbit/s with a deep queue, which would delay everything behind a sender's own data."""

from __future__ import annotations

import pytest

from livekit.testing.netem import LinkOptions
from livekit.webrtc.sctp.constants import MAX_QUEUE_DELAY
from tests.webrtc.sctp.ends import Pair

RATE = 32_000
MESSAGE = bytes(15_000)


@pytest.mark.parametrize("delay", [0.0, 0.025, 0.1])
def test_queue_of_a_slow_link_stays_short_and_the_link_busy(delay: float) -> None:
    pair = Pair(5, LinkOptions(rate=RATE, delay=delay, mtu=1472)).establish()
    channel, _ = pair.open()
    link = pair.network.a_to_b
    started = pair.now
    queued: list[float] = []
    for _ in range(40):
        channel.send(MESSAGE)

    def received() -> bool:
        queued.append(link.queued_bytes(pair.now))
        return len(pair.server.messages["x"]) == 40

    pair.run(received, limit=60.0)
    late = sorted(queued[len(queued) // 3 :])
    assert late[len(late) * 95 // 100] < (2 * MAX_QUEUE_DELAY + 2 * delay + 0.1) * RATE
    assert link.lost == 0
    assert 40 * len(MESSAGE) / (pair.now - started) > 0.85 * RATE

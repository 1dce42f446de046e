"""Estimates how long to delay playout, from how late packets are.

Each packet's transit time, arrival less timestamp, is compared with the shortest of the last seconds. A histogram of
these relative delays, which forgets, gives the share of packets that a playout delay would make late. The target is the
delay with the lowest cost, where a late packet is worth a certain amount of delay: a single stall in half a minute does
not raise it, frequent jitter does.
"""

from __future__ import annotations

from collections import deque

__all__ = ["DelayEstimator"]

BIN = 0.005
"""Seconds per bin of the histogram."""
BINS = 200
"""One second; packets that are later than that count as one second late."""
DELAY_PER_LATE_SHARE = 10.0
"""Seconds of delay that are worth as much as all packets being late: 0.1 s for 1 %."""
MEMORY = 1000
"""Packets after which one has 1/e of its weight: 20 s of packets of 20 ms."""
BASE_WINDOW = 5.0
"""Seconds in which the shortest transit is looked for; follows clocks that drift by 500 ppm within 2.5 ms."""
EVALUATION_INTERVAL = 10
"""Packets between evaluations of the histogram."""
INITIAL_TARGET = 0.01
BURST = 0.5
"""Share of the time between two packets; those that arrive at shorter intervals ended one stall together, which counts
once."""


class DelayEstimator:
    """The playout delay for one source."""

    def __init__(self, clock_rate: int) -> None:
        """`clock_rate` is that of timestamps, in hertz."""
        self._clock_rate = clock_rate
        self._histogram = [0.0] * BINS
        self._shortest: deque[tuple[float, float]] = deque()  # arrival and transit, both rising
        self._packets = 0
        self._last = (0, 0.0)  # timestamp and arrival
        self.target = INITIAL_TARGET
        """Seconds to delay playout beyond the packets with the shortest transit."""

    def observe(self, timestamp: int, now: float) -> None:
        """Count a packet with an unwrapped timestamp that arrived at `now`."""
        transit = now - timestamp / self._clock_rate
        shortest = self._shortest
        while shortest and shortest[-1][1] >= transit:
            shortest.pop()
        shortest.append((now, transit))
        while shortest[0][0] < now - BASE_WINDOW:
            shortest.popleft()
        before, self._last = self._last, (timestamp, now)
        if 0 < (timestamp - before[0]) / self._clock_rate * BURST > now - before[1]:
            return  # late only because the packet before was
        self._packets += 1
        forget = 1 / min(self._packets, MEMORY)
        self._histogram = [share * (1 - forget) for share in self._histogram]
        self._histogram[min(int((transit - shortest[0][1]) / BIN), BINS - 1)] += forget
        if self._packets % EVALUATION_INTERVAL == 0:
            self.target = self._cheapest()

    def forget_transit(self) -> None:
        """Forget the shortest transit, after a pause or a jump of the timestamps; the jitter stays known."""
        self._shortest.clear()

    def delay(self, timestamp: float, now: float) -> float:
        """Return how much later than the arrival of the fastest packets `timestamp` is played at `now`, in seconds.

        It is 0 before the first packet.
        """
        return now - timestamp / self._clock_rate - self._shortest[0][1] if self._shortest else 0.0

    def arrival(self, timestamp: float) -> float:
        """Return when the packet of an unwrapped timestamp arrives if it is as fast as the fastest.

        It is 0 before the first packet.
        """
        return timestamp / self._clock_rate + self._shortest[0][1] if self._shortest else 0.0

    def _cheapest(self) -> float:
        late, best, lowest = 1.0, 0, float("inf")
        for index, share in enumerate(self._histogram):
            late -= share
            cost = (index + 1) * BIN + DELAY_PER_LATE_SHARE * max(late, 0.0)
            if cost < lowest:
                best, lowest = index, cost
        return (best + 1) * BIN

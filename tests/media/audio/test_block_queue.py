"""When the blocks of a source are played."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.media.audio.block_queue import EARLY, GRACE, MAX_BURST, SLACK, BlockQueue, QueuedBlock

RATE = 8_000
BLOCK = 160  # bytes
SILENCE = bytes(BLOCK)


def sound(value: int) -> bytes:
    return bytes([value, 0]) * (BLOCK // 2)


def values(blocks: list[QueuedBlock]) -> list[int]:
    return [block.pcm[0] for block in blocks]


class Player:
    """Runs a queue's clock."""

    def __init__(self) -> None:
        self.queue = BlockQueue(RATE, 1, 0.0)
        self.played: list[tuple[float, QueuedBlock]] = []

    def run(self, until: float) -> None:
        while self.queue.next_tick <= until:
            self.tick(self.queue.next_tick)

    def tick(self, now: float) -> list[QueuedBlock]:
        blocks = self.queue.tick(now)
        self.played += [(now, block) for block in blocks]
        return blocks

    def push(self, pcm: bytes, now: float) -> list[QueuedBlock]:
        blocks = self.queue.push(pcm, now)
        self.played += [(now, block) for block in blocks]
        return blocks


def test_silence_is_played_each_10_ms_without_drift() -> None:
    player = Player()
    player.run(100.0001)
    assert [block.index for _, block in player.played] == list(range(10_000))
    assert player.played[-1][0] == pytest.approx(100.0, abs=1e-9)
    assert not any(any(block.pcm) for _, block in player.played)


@pytest.mark.parametrize("phase", [0.0001, 0.003, 0.0099])
def test_audio_captured_in_real_time_is_played_at_once(phase: float) -> None:
    player = Player()
    player.run(1.0)
    for number in range(50):
        now = 1.0 + phase + 0.01 * number
        player.run(now)
        assert values(player.push(sound(number + 1), now)) == [number + 1]


def test_audio_captured_in_real_time_may_be_late_by_the_slack() -> None:
    player = Player()
    player.run(1.0)
    for number in range(50):
        now = 1.004 + 0.01 * number + (0.9 * SLACK if number % 2 else 0.0)
        player.run(now)
        player.push(sound(1), now)
    first = next(at for at, (_, block) in enumerate(player.played) if any(block.pcm))
    assert values([block for _, block in player.played[first:]]) == [1] * 50


def test_long_frame_is_played_at_the_pace_of_the_clock() -> None:
    player = Player()
    player.run(1.0)
    start = len(player.played)
    player.push(b"".join(map(sound, range(1, 101))), 1.003)
    assert player.queue.pending == pytest.approx(0.99)
    player.run(2.5)
    played = player.played[start:]
    assert values([block for _, block in played])[:101] == [*range(1, 101), 0]
    assert [at for at, _ in played[:100]] == [1.003, *(pytest.approx(1.003 + SLACK + 0.01 * n) for n in range(1, 100))]


def test_frames_of_other_lengths_leave_no_gap_and_the_last_is_filled_up() -> None:
    player = Player()
    for _ in range(3):
        player.push(sound(1)[:100], 0.0)  # 3 x 50 samples
    player.run(0.1)
    sounding = [block.pcm for _, block in player.played if any(block.pcm)]
    assert sounding == [sound(1), sound(1)[:140] + bytes(20)]


def test_rest_of_a_stream_is_awaited_while_it_goes_on() -> None:
    """Frames of 5 ms, of which a deadline always finds an odd number."""
    player = Player()
    for number in range(100):
        now = 0.0031 + 0.005 * number
        player.run(now)
        player.push(sound(1)[:80], now)
    player.run(1.0)
    sounding = b"".join(block.pcm for _, block in player.played).strip(b"\0")
    assert sounding.count(b"\1") == 100 * 40
    assert b"\0\0\0" not in sounding


@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100])
def test_blocks_of_uneven_rates_keep_the_rate(rate: int) -> None:
    queue = BlockQueue(rate, 2, 0.0)
    size = 0
    for number in range(100):
        size += sum(len(block.pcm) for block in queue.tick(0.01 * (number + 1)))
    assert size == rate * 4


def test_short_stall_is_caught_up_with_at_once() -> None:
    player = Player()
    player.push(b"".join(map(sound, range(1, 21))), 0.0)
    player.run(0.05)
    blocks = player.tick(player.queue.next_tick + 0.01 * (MAX_BURST - 1))
    assert len(blocks) == MAX_BURST
    assert player.queue.skipped == 0


def test_long_stall_jumps_over_its_time_and_keeps_the_queue() -> None:
    player = Player()
    player.push(b"".join(map(sound, range(1, 51))), 0.0)
    player.run(0.1)
    last = player.played[-1][1]
    blocks = player.tick(player.queue.next_tick + 0.2)
    assert values(blocks) == [last.pcm[0] + 1]
    assert blocks[0].index == last.index + 21
    assert player.queue.skipped == 20
    player.run(2.0)
    assert values([block for _, block in player.played if any(block.pcm)]) == list(range(1, 51))


def test_audio_in_real_time_catches_up_after_a_stall() -> None:
    """The application stalled too, and captures what it owes when it runs again."""
    player = Player()
    for number in range(20):
        player.run(0.01 * number)
        player.push(sound(1), 0.01 * number)
    now = player.queue.next_tick + 0.2
    assert player.tick(now) == []
    played = [block for _ in range(21) for block in player.push(sound(2), now + 0.001)]
    assert values(played) == [2] * 21
    assert player.queue.pending == 0.0
    indices = [block.index for _, block in player.played]
    assert indices == list(range(indices[0], indices[0] + len(indices)))


def test_stall_without_audio_jumps_over_its_time() -> None:
    player = Player()
    player.run(1.0)
    last = player.played[-1][1].index
    blocks = player.tick(player.queue.next_tick + 3600.0)
    assert [block.index for block in blocks] == [last + 1 + 360_000]
    assert blocks[0].pcm == SILENCE


def test_application_that_captures_nothing_after_a_stall_gets_silence() -> None:
    player = Player()
    player.push(sound(1), 0.0)
    late = player.queue.next_tick + 0.025
    assert player.tick(late) == []
    assert player.queue.next_tick == late + GRACE
    blocks = player.tick(late + GRACE)
    assert [block.pcm for block in blocks] == [SILENCE] * 4
    assert player.queue.next_tick > late + GRACE


def test_debts_are_bounded() -> None:
    player = Player()
    player.push(sound(1), 0.0)
    player.tick(player.queue.next_tick + 100.0)
    blocks = [block for _ in range(200) for block in player.push(sound(2), 100.02)]
    assert len(blocks) <= 52


def test_sound_moves_the_time_line_forward_by_less_than_10_ms_and_silence_puts_it_back() -> None:
    player = Player()
    now = 0.0
    for number in range(100):
        now += 0.2537
        player.run(now)
        player.push(sound(number + 1), now)
    ahead = player.queue._index * 0.01 - now
    assert 0.0 <= ahead < 1.0
    player.run(now + 20.0)
    assert abs(player.played[-1][1].index * 0.01 - player.played[-1][0]) < 0.02


def test_clear_drops_what_is_queued() -> None:
    player = Player()
    player.push(sound(1) * 10, 0.0)
    player.queue.clear()
    assert player.queue.pending == 0.0
    player.run(0.1)
    assert values([block for _, block in player.played]) == [1, *[0] * (len(player.played) - 1)]


@given(
    st.lists(
        st.tuples(st.floats(0.0, 0.3), st.integers(0, 4000)),
        max_size=60,
    )
)
def test_any_captures_are_played_once_in_order_and_indices_rise(captures: list[tuple[float, int]]) -> None:
    player = Player()
    now, pushed = 0.0, 0
    for wait, size in captures:
        late = now + wait
        while player.queue.next_tick <= late:  # as a loop that wakes up late at times
            player.tick(late if wait > 0.2 else player.queue.next_tick)
        now = late
        pushed += 2 * size
        player.push(b"\1\1" * size, now)
    player.run(now + pushed / (2 * RATE) + 1.0)
    indices = [block.index for _, block in player.played]
    assert indices == sorted(set(indices))
    assert all(len(block.pcm) == BLOCK for _, block in player.played)
    assert b"".join(block.pcm for _, block in player.played).count(b"\1") == pushed
    assert player.queue.pending == 0.0


def test_early_capture_waits_for_its_deadline() -> None:
    player = Player()
    player.push(sound(1), 0.0)
    due = player.queue.next_tick
    assert player.push(sound(2), due - EARLY - 0.001) == []
    assert values(player.tick(due)) == [2]


@pytest.mark.parametrize("drift", [5e-4, -5e-4, 5e-3, -5e-3])
def test_clock_follows_that_of_audio_captured_in_real_time(drift: float) -> None:
    """Neither does the queue grow, nor is silence put in between."""
    player = Player()
    waited = 0
    for number in range(60_000):
        now = 1.0 + 0.01 * number / (1 + drift)
        player.run(now)
        waited += not player.push(sound(1), now)
    assert waited == 0
    first = next(at for at, (_, block) in enumerate(player.played) if any(block.pcm))
    assert all(block.pcm == sound(1) for _, block in player.played[first:])


def test_jittery_application_hears_no_silence_in_between() -> None:
    player, rng = Player(), random.Random(1)
    for number in range(2000):
        now = 1.0 + 0.01 * number + rng.uniform(0.0, 0.0018)
        player.run(now)
        player.push(sound(1), now)
    first = next(at for at, (_, block) in enumerate(player.played) if any(block.pcm))
    assert all(block.pcm == sound(1) for _, block in player.played[first:])


def test_sound_that_ends_a_stall_is_not_behind_the_clock() -> None:
    player = Player()
    player.run(1.0)
    (block,) = player.push(sound(1), 1.5)
    assert block.index * 0.01 == pytest.approx(1.5, abs=0.011)

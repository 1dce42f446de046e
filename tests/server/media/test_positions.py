from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from livekit.server.media.positions import EPOCH, MAX_JUMP, WINDOW, Positions


def _assign(positions: Positions, *numbers: int) -> list[int | None]:
    return [positions.assign(number & 0xFFFF, is_padding=False) for number in numbers]


def test_positions_count_across_rollovers() -> None:
    assert _assign(Positions(), *range(65_530, 131_080, 2000)) == list(range(65_530, 131_080, 2000))


def test_lost_packets_leave_gaps_that_late_ones_fill() -> None:
    positions = Positions()
    assert _assign(positions, 10, 13) == [10, 13]
    assert list(positions.missing) == [11, 12]
    assert _assign(positions, 12, 11, 14) == [12, 11, 14]
    assert not positions.missing


def test_duplicates_have_no_position() -> None:
    assert _assign(Positions(), 10, 10, 11, 10, 11, 12) == [10, None, 11, None, None, 12]


def test_packets_before_the_first_have_no_position() -> None:
    assert _assign(Positions(), 0, -1, 1, -2) == [0, None, 1, None]


def test_too_old_packets_have_no_position() -> None:
    positions = Positions()
    numbers = range(100, 100 + WINDOW + 2, 2)
    _assign(positions, *numbers)
    highest = numbers[-1]
    assert _assign(positions, highest - WINDOW + 1, highest - WINDOW - 1) == [highest - WINDOW + 1, None]


def test_padding_takes_no_position() -> None:
    positions = Positions()
    assert _assign(positions, 10) == [10]
    assert positions.assign(11, is_padding=True) is None
    assert positions.assign(13, is_padding=True) is None
    assert _assign(positions, 14) == [12]  # 11 and 13 are closed, 12 is missing
    assert _assign(positions, 12) == [11]


def test_late_padding_stays_a_gap() -> None:
    positions = Positions()
    assert _assign(positions, 10, 12) == [10, 12]
    assert positions.assign(11, is_padding=True) is None
    assert _assign(positions, 13) == [13]


def test_padding_is_closed_however_much_there_is() -> None:
    positions = Positions()
    assert _assign(positions, 0) == [0]
    for number in range(1, 3 * WINDOW):
        assert positions.assign(number, is_padding=True) is None
    assert _assign(positions, 3 * WINDOW + 1, 3 * WINDOW) == [2, 1]


def test_restart_begins_a_new_epoch_when_it_is_confirmed() -> None:
    positions = Positions()
    jump = 10 + MAX_JUMP + 1
    assert _assign(positions, 10, jump, 11) == [10, None, 11]
    assert _assign(positions, 30_000, 30_001, 30_002) == [None, EPOCH + 30_001, EPOCH + 30_002]
    assert _assign(positions, 12, 30_003) == [None, EPOCH + 30_003]


def test_stream_that_begins_with_padding_begins_with_the_first_media() -> None:
    positions = Positions()
    assert positions.assign(5, is_padding=True) is None
    assert _assign(positions, 6, 7) == [5, 6]


@given(
    start=st.integers(0, 0xFFFF),
    kinds=st.lists(st.booleans(), min_size=1, max_size=120),
    lost=st.sets(st.integers(1, 119)),
    delays=st.lists(st.integers(0, 20), min_size=120, max_size=120),
)
def test_positions_keep_the_order_of_media(start: int, kinds: list[bool], lost: set[int], delays: list[int]) -> None:
    """Whatever is lost, late or padding: positions are unique and ordered like the sequence numbers."""
    arrivals = sorted((n for n in range(len(kinds)) if n not in lost), key=lambda n: (n + delays[n] if n else 0, n))
    positions = Positions()
    assigned: dict[int, int] = {}
    for number in arrivals:
        position = positions.assign((start + number) & 0xFFFF, is_padding=kinds[number])
        assert (position is None) == kinds[number]
        if position is not None:
            assigned[number] = position
    ordered = [assigned[number] for number in sorted(assigned)]
    assert all(before < after for before, after in pairwise(ordered))
    # The gaps of the output are at most those of the input.
    assert all(assigned[after] - assigned[before] <= after - before for before, after in pairwise(sorted(assigned)))

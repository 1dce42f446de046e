from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.server.media.speakers import AudioLevelMeter, Speaker, SpeakerDetector


def _meter(levels: list[int], *, start: int = 0) -> AudioLevelMeter:
    meter = AudioLevelMeter(48_000)
    for number, level in enumerate([127, *levels]):
        meter.observe(level, (start + 960 * number) & 0xFFFF_FFFF, 0.02 * number)
    return meter


def test_level_is_smoothed_over_two_intervals() -> None:
    for intervals, expected in ((1, 2 / 3), (2, 8 / 9), (3, 26 / 27)):
        assert _meter([20] * 20 * intervals).level(0.4 * intervals) == pytest.approx(0.1 * expected)


def test_loudest_packet_counts_weighted_by_the_active_share() -> None:
    assert _meter([10, *[30] * 9, *[60] * 10]).level(0.4) == pytest.approx(10**-0.5 * 0.5 * 2 / 3)


@pytest.mark.parametrize(("active", "expected"), [(7, False), (8, True)])
def test_speaker_is_active_at_two_fifths_of_the_interval(active: int, expected: bool) -> None:
    assert (_meter([10] * active + [36] * (20 - active)).level(0.4) > 0) is expected


@pytest.mark.parametrize(("level", "expected"), [(31, True), (32, False), (35, False), (36, False)])
def test_threshold_is_that_of_the_smoothed_level(level: int, expected: bool) -> None:
    assert (_meter([level] * 20).level(0.4) > 0) is expected
    assert (_meter([level] * 200).level(4.0) > 0) is (level <= 34)


def test_silence_ends_the_level_at_once() -> None:
    meter = _meter([0] * 20 + [127] * 20)
    assert meter.level(0.8) == 0


def test_missing_audio_ends_the_level() -> None:
    meter = _meter([0] * 20)
    assert meter.level(1.19) > 0
    assert meter.level(1.21) == 0


def test_timestamps_wrap_and_late_packets_do_not_count() -> None:
    meter = _meter([20] * 19, start=0xFFFF_FF00)
    meter.observe(20, 0xFFFF_FF00, 0.4)
    assert meter.level(0.4) == 0
    meter.observe(20, (0xFFFF_FF00 + 960 * 20) & 0xFFFF_FFFF, 0.4)
    assert meter.level(0.4) > 0


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 0xFFFF_FFFF))))
def test_level_is_finite_whatever_arrives(packets: list[tuple[int, int]]) -> None:
    meter = AudioLevelMeter(48_000)
    for level, timestamp in packets:
        meter.observe(level, timestamp, 0.0)
        assert 0 <= meter.level(0.0) <= 1


def test_changes_are_reported_once() -> None:
    detector = SpeakerDetector()
    assert detector.update({}) == []
    assert detector.update({"PA_a": 0.1, "PA_b": 0.3, "PA_c": 0.0}) == [Speaker("PA_b", 0.375), Speaker("PA_a", 0.125)]
    assert detector.update({"PA_a": 0.12, "PA_b": 0.3}) == []
    assert detector.update({"PA_a": 0.4, "PA_b": 0.3}) == [Speaker("PA_a", 0.5)]
    assert detector.active == [Speaker("PA_a", 0.5), Speaker("PA_b", 0.375)]
    stopped = detector.update({"PA_a": 0.4})
    assert stopped == [Speaker("PA_b", 0.0)]
    assert not stopped[0].active
    assert detector.update({"PA_a": 0.4}) == []

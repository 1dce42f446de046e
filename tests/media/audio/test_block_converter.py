"""Blocks in another format."""

from __future__ import annotations

import itertools
from array import array

import pytest

from livekit.media.audio.block import AudioBlock
from livekit.media.audio.block_converter import BlockConverter, check_format
from tests.media.audio.signals import sine


def blocks(rate: int, channels: int, seconds: float = 1.0) -> list[AudioBlock]:
    samples = sine(440.0, rate, seconds, channels)
    size = rate // 100 * channels
    return [
        AudioBlock(samples[at : at + size].tobytes(), rate, channels, number)
        for number, at in enumerate(range(0, len(samples) - size + 1, size))
    ]


def test_blocks_of_the_same_format_are_passed_on() -> None:
    (block,) = blocks(48_000, 1, 0.01)
    assert tuple(BlockConverter(48_000, 1).convert(block)) == (block,)


@pytest.mark.parametrize(("channels", "to"), [(1, 2), (2, 1)])
def test_channels_are_converted(channels: int, to: int) -> None:
    source = blocks(48_000, channels, 0.02)
    converter = BlockConverter(48_000, to)
    converted = [each for block in source for each in converter.convert(block)]
    assert [block.index for block in converted] == [0, 1]
    assert array("h", converted[1].pcm)[::to] == array("h", source[1].pcm)[::channels]


@pytest.mark.parametrize(("rate", "to"), [(24_000, 48_000), (48_000, 16_000), (44_100, 48_000), (48_000, 22_050)])
def test_rates_are_converted_block_by_block(rate: int, to: int) -> None:
    converter = BlockConverter(to, 1)
    converted = [each for block in blocks(rate, 1) for each in converter.convert(block)]
    assert len(converted) == pytest.approx(100, abs=6)
    assert sum(len(block.pcm) for block in converted) / len(converted) == pytest.approx(to / 50, rel=0.001)
    assert {block.sample_rate for block in converted} == {to}
    indices = [block.index for block in converted]
    assert all(after > before for before, after in itertools.pairwise(indices))
    samples = array("h", b"".join(block.pcm for block in converted[20:]))
    crossings = sum(before < 0 <= after for before, after in itertools.pairwise(samples))
    assert crossings / (len(samples) / to) == pytest.approx(440, rel=0.02)
    assert max(samples) == pytest.approx(10_000, rel=0.05)


def test_source_that_changes_its_rate_is_followed() -> None:
    converter = BlockConverter(48_000, 1)
    converted = [
        each for block in (*blocks(24_000, 1, 0.2), *blocks(16_000, 1, 0.2)) for each in converter.convert(block)
    ]
    assert len(converted) == pytest.approx(40, abs=8)
    assert {len(block.pcm) for block in converted} == {960}


@pytest.mark.parametrize(("rate", "channels"), [(99, 1), (48_000, 0), (48_000, 3)])
def test_impossible_formats(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match=f"not {rate} Hz and {channels}"):
        check_format(rate, channels)

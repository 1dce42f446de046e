"""Fixtures for rooms in memory on a virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from livekit.testing import MemoryRoom, VirtualClock


@pytest.fixture
async def clock(no_leaks: None) -> AsyncIterator[VirtualClock]:
    """Run the test in virtual time."""
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
async def memory(clock: VirtualClock) -> AsyncIterator[MemoryRoom]:
    async with MemoryRoom() as memory:
        yield memory

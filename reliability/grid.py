"""All combinations of loss, round trip and disorder: success rate and latency of calls."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from livekit.testing import LinkOptions
from tools.progress import progress

from .peers import Server
from .scenario import Result, scenario

LOSSES = (0.01, 0.10, 0.30)
ROUND_TRIPS = (0.0, 0.1, 0.5)
DISORDERS = {"in order": (0.0, 0.0), "25 % reordered": (0.25, 0.0), "5 % duplicated": (0.0, 0.05)}
"""Probabilities of reordering and duplication."""
EVERY = 0.05
AT_ONCE = 4
"""Cells that run concurrently, each with its own room and link."""
ETHERNET = 1472
"""The longest datagram in bytes."""


@dataclass(frozen=True)
class Cell:
    loss: float
    round_trip: float
    disorder: str

    @property
    def link(self) -> LinkOptions:
        reorder, duplicate = DISORDERS[self.disorder]
        return LinkOptions(
            loss=self.loss, delay=self.round_trip / 2, reorder=reorder, duplicate=duplicate, mtu=ETHERNET
        )

    @property
    def required(self) -> float:
        """The required success rate."""
        return 0.999 if self.loss <= 0.10 else 0.99


def cells() -> Iterator[Cell]:
    for loss, round_trip, disorder in itertools.product(LOSSES, ROUND_TRIPS, DISORDERS):
        yield Cell(loss, round_trip, disorder)


async def run(sdk: str, calls: int, seed: int) -> list[Result]:
    """Make `calls` calls in each cell."""
    async with Server() as server:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, cell: Cell) -> Result:
            async with slots:
                return await run_cell(server, sdk, cell, calls, seed + number)

        return list(await asyncio.gather(*(one(number, cell) for number, cell in enumerate(cells()))))


async def run_cell(server: Server, sdk: str, cell: Cell, calls: int, seed: int) -> Result:
    async with scenario(server, sdk, seed, cell.link) as on:
        await on.join()
        on.start_calls(every=EVERY, count=calls)
        await on.caller.expect(event="done")
        about = {"loss": cell.loss, "round_trip": cell.round_trip, "disorder": cell.disorder}
        result: Result = {"sdk": sdk, **about, "required": cell.required, **on.result()}
    progress(
        f"{sdk}: loss {cell.loss:.0%}, RTT {cell.round_trip * 1000:.0f} ms, {cell.disorder}, seed {seed}: "
        f"{result['success']:.2%} of {result['calls']}, p50 {result['p50']:.2f} s, p99 {result['p99']:.2f} s, "
        f"{len(result['violations'])} violations {result['violations'][:2]} "
        f"{ {what: n for what, n in result['outcomes'].items() if what != 'ok'} or '' }"
    )
    return result

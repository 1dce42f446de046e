"""`make reliability`: bad links, outages, killed processes and floods, with this SDK and the official one.

Writes results to docs/reliability.json and tables to docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tools.progress import progress

from . import flood, grid, kills, outages, rate, report
from .scenario import Result

RUNS: dict[str, tuple[Callable[[str, int, int], Awaitable[list[Result]]], int, int]] = {
    "grid": (grid.run, 1000, 60),
    "outages": (outages.run, 3, 1),
    "rate": (rate.run, 240, 60),
    "kills": (kills.run, 100, 3),
    "flood": (flood.run, 2, 1),
}
"""Scenarios by name, with their repetitions in full and quick runs."""


async def run(only: list[str], sdks: list[str], seed: int, output: Path, *, quick: bool) -> None:
    for name in only:
        scenario, full, few = RUNS[name]
        for sdk in sdks:
            progress(f"{name} with {sdk}, seed {seed}")
            started = time.monotonic()
            results = await scenario(sdk, few if quick else full, seed)
            progress(f"{name} with {sdk}: {time.monotonic() - started:.0f} s")
            report.keep(output, name, sdk, results)
            if output == report.JSON:
                report.write(output)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--sdk", nargs="+", choices=("ours", "official"), default=["ours", "official"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument(
        "--output", type=Path, default=report.JSON, help="results file; results of other scenarios are kept"
    )
    arguments = parser.parse_args()
    asyncio.run(run(arguments.only, arguments.sdk, arguments.seed, arguments.output, quick=arguments.quick))


if __name__ == "__main__":
    main()

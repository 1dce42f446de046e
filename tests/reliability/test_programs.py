"""Short runs of the programs behind `make reliability` and `make soak`, with their server and peer processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from reliability import flood, grid, outages, report, soak_media
from reliability.peers import Server
from reliability.soak import Soak

SEED = 5


@pytest.mark.timeout(120)
async def test_a_grid_cell_reaches_its_required_success_rate() -> None:
    cell = grid.Cell(0.10, 0.1, "25 % reordered")
    async with Server() as server:
        result = await grid.run_cell(server, "ours", cell, 60, SEED)
    assert result["violations"] == []
    assert result["success"] >= cell.required


@pytest.mark.timeout(120)
async def test_calls_recover_after_an_outage() -> None:
    async with Server() as server:
        result = await outages.run_outage(server, "ours", 3.0, SEED)
    assert result["violations"] == []
    assert result["back"] < 15.0, "5 s on an idle machine"


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_flood_violates_no_guarantee() -> None:
    result = await flood.Flood("ours", 1.0, rate=800.0, idle=0.5, afterwards=0.5, flooders=("flooder",)).run()
    assert result["violations"] == result["quiet_violations"] == []
    assert {outcome.partition(" ")[0] for outcome in result["outcomes"]} <= {"ok", "1500", "1501", "1502"}
    assert sum(result["outcomes"].values()) == result["offered"] > 0
    assert max(result["most_at_once"].values()) <= flood.MAX_EACH
    assert set(result["pending"].values()) == {0}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_short_soak_loses_no_call() -> None:
    result = await Soak(seconds=20.0, fill=200).run()
    assert result["ok"] == result["calls"]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_short_soak_of_audio_is_heard_by_all() -> None:
    result = await soak_media.soak(seconds=5.0, listeners=3)
    samples = result["samples"]
    assert samples[-1]["agents"]["frames"] > samples[0]["agents"]["frames"]
    assert samples[-1]["ears"]["silent"] == 0


def test_stored_results_keep_those_of_other_runs(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    report.keep(path, "grid", "ours", [{"seed": 1}])
    report.keep(path, "grid", "official", [{"seed": 2}])
    report.keep(path, "grid", "ours", [{"seed": 3}])
    assert report.load(path) == {"grid": {"ours": [{"seed": 3}], "official": [{"seed": 2}]}}

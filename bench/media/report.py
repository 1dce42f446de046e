"""The report of a run: goals as ratios, and tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.goals import Goal, goal_table, machine, ratio

Results = list[dict[str, Any]]

INTRODUCTION = """\
# Benchmarks of audio

One run of `make bench-media`, this SDK and the official one (1.2.1) side by side on one server, over loopback; each
participant and each server is a separate process. Compare the ratios: the machine is shared and noisy. The signal is
two alternating tones; a frame of 10 ms differs if it has neither one tone nor a change to the other. Latency is from
`capture_frame` to the frame in Python. Links impair what the server sends to the receiver."""
DIFFERING_GOALS = {"loss 5 %": 0.1, "loss 20 %": 1.5, "bursts of 5, 5 %": 1.0}
LATENCY_GOALS = ("jitter N(60, 40) ms", "reorder 10 % by 30 ms")
TOLERANCE = 1.0
"""Milliseconds by which a figure of an agent may be later than the official one's: noise of the machine."""
EARLIER = ("capture to first sound", "clear_queue to silence", "wait_for_playout to silence", "fifth capture")


class _Figures:
    def __init__(self, results: Results) -> None:
        self._results = results

    def of(self, field: str, **wanted: Any) -> float | None:
        for line in self._results:
            if all(line.get(name) == value for name, value in wanted.items()):
                return float(line[field])
        return None

    def against(self, field: str, **wanted: Any) -> float | None:
        """Return our figure divided by the official SDK's."""
        return ratio(self.of(field, sdk="ours", **wanted), self.of(field, sdk="official", **wanted))

    def differing(self, **wanted: Any) -> float | None:
        """Return the percentage of frames that differ."""
        value = ratio(self.of("differing", **wanted), self.of("frames", **wanted))
        return None if value is None else 100 * value

    def server(self, crowd: int) -> float | None:
        ours, official = (
            self.of("cpu_percent", measure="server", crowd=crowd, name=name) for name in ("embedded", "livekit-server")
        )
        return ratio(ours, official)


def goals(results: Results) -> str:
    """Return the goals as a table."""
    figures = _Figures(results)
    return goal_table([*_goals_of_tracks(figures), *_goals_of_links(figures), *_goals_of_agents(figures)])


def _difference(top: float | None, bottom: float | None) -> float | None:
    return None if top is None or bottom is None else top - bottom


def _goals_of_tracks(figures: _Figures) -> list[Goal]:
    p99, p50 = (figures.of(field, measure="track", sdk="ours") for field in ("p99", "p50"))
    drift = {"measure": "drift", "sdk": "ours"}
    return [
        ("CPU of a published track, to official", "≤ 0.35", figures.against("publish_cpu", measure="track"), False),
        ("CPU of a received track, to official", "≤ 0.35", figures.against("receive_cpu", measure="track"), False),
        ("latency p50, to official", "≤ 0.7", figures.against("p50", measure="track"), False),
        ("latency, p99 less p50, ms", "≤ 10", _difference(p99, p50), False),
        (
            "memory with a published track, to official",
            "≤ 0.8",
            figures.against("publish_rss_kib", measure="track"),
            False,
        ),
        (
            "memory with a received track, to official",
            "≤ 0.8",
            figures.against("receive_rss_kib", measure="track"),
            False,
        ),
        ("server CPU, 1 publisher, 1 subscriber, to livekit-server", "≤ 1.0", figures.server(1), False),
        ("server CPU, 10 that hear each other, to livekit-server", "≤ 1.5", figures.server(10), False),
        ("source 500 ppm fast: latency growth, ms", "≤ 5", figures.of("growth", **drift), False),
        ("source 500 ppm fast: frames that differ, %", "≤ 0", figures.differing(**drift), False),
    ]


def _goals_of_links(figures: _Figures) -> list[Goal]:
    found: list[Goal] = []
    for link, goal in DIFFERING_GOALS.items():
        value = figures.differing(measure="link", link=link, sdk="ours")
        found.append((f"{link}: frames that differ, %", f"≤ {goal}", value, False))
    for link in LATENCY_GOALS:
        found.append(
            (f"{link}: latency p50, to official", "≤ 0.7", figures.against("p50", measure="link", link=link), False)
        )
        ours, official = (figures.differing(measure="link", link=link, sdk=sdk) for sdk in ("ours", "official"))
        found.append((f"{link}: frames that differ, less official, %", "≤ 0", _difference(ours, official), False))
    return found


def _goals_of_agents(figures: _Figures) -> list[Goal]:
    return [
        (
            f"agent, {name}: ms later than official",
            f"≤ {TOLERANCE:g}",
            _difference(*(figures.of(name, measure="agent", sdk=sdk) for sdk in ("ours", "official"))),
            False,
        )
        for name in EARLIER
    ]


def _tracks(results: Results) -> str:
    rows = [
        "| SDK | link | CPU publish % | CPU receive % | MiB publish | MiB receive | p50 ms | p99 ms | differ % |",
        "|---" * 9 + "|",
    ]
    for line in results:
        if line["measure"] not in ("track", "link", "drift"):
            continue
        where = {"track": "none", "drift": "none; source 500 ppm fast"}.get(line["measure"]) or line["link"]
        cells = [
            *(line["sdk"], where),
            *(f"{line[name]:.1f}" for name in ("publish_cpu", "receive_cpu")),
            *(f"{line[name] / 1024:.0f}" for name in ("publish_rss_kib", "receive_rss_kib")),
            *(f"{line[name]:.1f}" for name in ("p50", "p99")),
            f"{100 * line['differing'] / max(line['frames'], 1):.2f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _agents(results: Results) -> str:
    lines = [line for line in results if line["measure"] == "agent"]
    names = [name for name in (lines[0] if lines else {}) if name not in ("measure", "sdk", "samples")]
    rows = [f"| ms | {' | '.join(line['sdk'] for line in lines)} |", "|---" * (len(lines) + 1) + "|"]
    rows += [f"| {name} | {' | '.join(f'{line[name]:.1f}' for line in lines)} |" for name in names]
    return "\n".join(rows)


def _servers(results: Results) -> str:
    rows = ["| server | participants that hear each other | CPU % of a core | MiB |", "|---|---|---|---|"]
    for line in results:
        if line["measure"] == "server":
            load = "1 publisher, 1 subscriber" if line["crowd"] == 1 else str(line["crowd"])
            rows.append(f"| {line['name']} | {load} | {line['cpu_percent']:.1f} | {line['rss_kib'] / 1024:.0f} |")
    return "\n".join(rows)


def write(folder: Path, results: Results) -> None:
    """Write docs/benchmarks-media.md and .json."""
    (folder / "benchmarks-media.json").write_text(json.dumps(results, indent=1) + "\n")
    parts = [
        INTRODUCTION,
        f"Machine: {machine('livekit-pure', 'livekit-protocol', 'uvloop')}.",
        "## Goals",
        goals(results),
        "## Tracks",
        _tracks(results),
        "## A voice agent",
        "24 kHz, frames of 50 ms, a queue of 200 ms.",
        _agents(results),
        "## Servers",
        _servers(results),
    ]
    (folder / "benchmarks-media.md").write_text("\n\n".join(parts) + "\n")

"""The report of a run: goals as ratios, tables and a plot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .goals import Goal, goal_table, machine, ratio

Results = list[dict[str, Any]]
Columns = dict[str, Callable[[dict[str, Any]], str]]
OURS, OFFICIAL, GRPC = "ours → ours", "official → official", "grpc.aio direct"


def find(
    results: Results, subject: str, measure: str, server: str = "embedded", **wanted: Any
) -> dict[str, Any] | None:
    wanted = {"long": None, **wanted}
    for line in results:
        if (line.get("subject"), line.get("measure")) != (subject, measure):
            continue
        if line.get("server") not in (server, "none", None):
            continue
        if all(line.get(name) == value for name, value in wanted.items()):
            return line
    return None


class _Figures:
    """Measured values by subject; None if not measured."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def find(self, subject: str, measure: str, **wanted: Any) -> dict[str, Any] | None:
        return find(self._results, subject, measure, **wanted)

    def of(self, subject: str, measure: str, field: str, **wanted: Any) -> float | None:
        line = self.find(subject, measure, **wanted)
        return None if line is None else float(line[field])

    def against(self, other: str, measure: str, field: str, **wanted: Any) -> float | None:
        """Return our value divided by another subject's."""
        return ratio(self.of(OURS, measure, field, **wanted), self.of(other, measure, field, **wanted))


def _goals(results: Results) -> list[Goal]:
    figures = _Figures(results)
    return [*_goals_of_calls(figures), *_goals_of_clients(figures)]


def _goals_of_calls(figures: _Figures) -> list[Goal]:
    of, against = figures.of, figures.against
    long = figures.find(OURS, "latency", size=100, long=True)
    of_64 = of(OURS, "throughput", "per_second", in_flight=64)
    of_1000 = of(OURS, "throughput", "per_second", in_flight=1000)
    large_p99, large_p50 = (of(OURS, "latency", field, size=256_000) for field in ("p99", "p50"))
    return [
        ("100 B, one in flight, p50, to official", "≤ 0.20", against(OFFICIAL, "latency", "p50", size=100), False),
        ("100 B, one in flight, p50, to grpc.aio direct", "≤ 0.8", against(GRPC, "latency", "p50", size=100), False),
        ("p99 of the same, to its own p50", "≤ 2", ratio(long and long["p99"], long and long["p50"]), False),
        ("the longest of 100,000 such calls, ms", "≤ 50", long and long["max"], False),
        (
            "64 in flight, calls/s, to official",
            "≥ 12",
            against(OFFICIAL, "throughput", "per_second", in_flight=64),
            True,
        ),
        ("64 in flight, calls/s, to grpc.aio", "≥ 1.5", against(GRPC, "throughput", "per_second", in_flight=64), True),
        ("1,000 in flight, to own 64", "≥ 0.9", ratio(of_1000, of_64), True),
        ("256 KB incompressible, p50, to official", "≤ 0.06", against(OFFICIAL, "latency", "p50", size=256_000), False),
        ("256 KB, p99 to own p50", "≤ 2", ratio(large_p99, large_p50), False),
    ]


def _goals_of_clients(figures: _Figures) -> list[Goal]:
    of, against = figures.of, figures.against
    installed = ratio(of("ours", "installed", "bytes"), of("official", "installed", "bytes"))
    return [
        ("connect, p50, to official", "≤ 0.25", against(OFFICIAL, "connect", "p50"), False),
        (
            "the caller's CPU per call at 64, to official",
            "≤ 0.05",
            against(OFFICIAL, "throughput", "cpu_us", in_flight=64),
            False,
        ),
        ("import of `livekit.rtc`, to official", "≤ 1", against(OFFICIAL, "import", "seconds"), False),
        ("installed size, to official", "≤ 0.5", installed, False),
        ("memory of a connected client, to official", "≤ 0.5", against(OFFICIAL, "memory", "rss_kib"), False),
    ]


def ratios(results: Results) -> str:
    """Return the goals as a table."""
    return goal_table(_goals(results))


def _table(results: Results, measure: str, key: str, columns: Columns) -> str:
    lines = [line for line in results if line.get("measure") == measure]
    rows = [f"| {key} | on | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for line in lines:
        cells = " | ".join(show(line) for show in columns.values())
        rows.append(f"| {line.get('subject', '')} | {line.get('server', '')} | {cells} |")
    return "\n".join(rows)


INTRODUCTION = """\
# Benchmarks

One run of `make bench`, all competitors side by side, over loopback; each participant, the server and each competitor
is a separate process. Compare the ratios: the machine is shared and noisy. The official SDK is 1.2.1 on asyncio; this
SDK runs on uvloop (the extra `fast`), which speeds it up; the server is the embedded one."""

LATENCY: Columns = {
    "bytes": lambda line: f"{line['size']:,}",
    "calls": lambda line: f"{line['calls']:,}",
    "p50 ms": lambda line: f"{line['p50']:.2f}",
    "p99 ms": lambda line: f"{line['p99']:.2f}",
    "max ms": lambda line: f"{line['max']:.1f}",
}
THROUGHPUT: Columns = {
    "in flight": lambda line: f"{line['in_flight']:,}",
    "calls/s": lambda line: f"{line['per_second']:,.0f}",
    "caller's CPU µs/call": lambda line: f"{line['cpu_us']:,.0f}",
}
GROWTH: Columns = {
    "rooms": lambda line: str(line["rooms"]),
    "participants": lambda line: str(line["participants"]),
    "calls/s": lambda line: f"{line['per_second']:,.0f}",
    "server CPU µs/call": lambda line: f"{line['server_cpu_us']:.0f}",
    "server KiB/participant": lambda line: f"{line['server_kib_per_participant']:.0f}",
}


def write(folder: Path, results: Results) -> None:
    """Write docs/benchmarks.md, .json and .svg."""
    (folder / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    plot(folder / "benchmarks.svg", results)
    parts = [
        INTRODUCTION,
        f"Machine: {machine('livekit-pure', 'livekit-protocol', 'uvloop', 'grpcio', 'protobuf')}.",
        "![calls per second and latency](benchmarks.svg)",
        "## Goals",
        ratios(results),
        "## Latency, one call at a time",
        _table(results, "latency", "who", LATENCY),
        "## Calls per second, 100 B",
        _table(results, "throughput", "who", THROUGHPUT),
        "## Joining, memory, import, size",
        _table(results, "connect", "who", {"connect p50 ms": lambda line: f"{line['p50']:.1f}"}),
        _table(results, "memory", "who", {"resident MiB, connected": lambda line: f"{line['rss_kib'] / 1024:.0f}"}),
        _table(results, "import", "who", {"import s": lambda line: f"{line['seconds']:.3f}"}),
        _table(results, "installed", "what", {"installed MB": lambda line: f"{line['bytes'] / 1e6:.1f}"}),
        "## Scaling",
        "Every participant calls its neighbour concurrently; all clients are one process, the embedded server another.",
        _table(results, "growth", "", GROWTH),
    ]
    notes = folder / "benchmarks-notes.md"
    if notes.exists():
        parts.append(notes.read_text().strip())
    (folder / "benchmarks.md").write_text("\n\n".join(parts) + "\n")


def plot(path: Path, results: Results) -> None:
    """Plot calls per second by calls in flight, and round trips by payload size."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4))
    for subject in (OURS, OFFICIAL, GRPC):
        lines = [
            line for line in results if line.get("subject") == subject and line.get("server") in ("embedded", "none")
        ]
        rates = [(line["in_flight"], line["per_second"]) for line in lines if line["measure"] == "throughput"]
        trips = [(line["size"], line["p50"]) for line in lines if line["measure"] == "latency" and not line.get("long")]
        left.loglog(*zip(*rates, strict=True), marker="o", label=subject)
        right.loglog(*zip(*trips, strict=True), marker="o", label=subject)
    left.set(title="100 B calls per second", xlabel="in flight")
    right.set(title="round trip p50, ms", xlabel="bytes")
    left.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})

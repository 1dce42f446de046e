"""Results as JSON and as the tables of docs/reliability.md."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .peers import ROOT
from .scenario import Result

JSON = ROOT / "docs/reliability.json"
PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- figures: make reliability -->", "<!-- end of figures -->"

Known = dict[str, dict[str, list[Result]]]
"""Results by scenario and SDK."""


def load(path: Path) -> Known:
    return json.loads(path.read_text()) if path.exists() else {}


def keep(path: Path, name: str, sdk: str, results: list[Result]) -> None:
    """Replace the results of an earlier run."""
    known = load(path)
    known.setdefault(name, {})[sdk] = results
    path.write_text(json.dumps(known, indent=1) + "\n")


def write(path: Path, page: Path = PAGE) -> None:
    """Write the tables of all results into the page."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{tables(load(path))}\n{END}{after}")


def tables(known: Known) -> str:
    parts = [render(known[name]) for name, render in _RENDERERS.items() if name in known]
    return "\n\n".join(parts) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _by_key(results: dict[str, list[Result]], *keys: str) -> dict[tuple[Any, ...], dict[str, Result]]:
    found: dict[tuple[Any, ...], dict[str, Result]] = {}
    for sdk, lines in results.items():
        for line in lines:
            found.setdefault(tuple(line[key] for key in keys), {})[sdk] = line
    return found


def _share(result: Result | None) -> str:
    return "not measured" if result is None else f"{result['success']:.1%}"


def _seconds(result: Result | None, name: str) -> str:
    if result is None or not math.isfinite(result[name]):
        return ""
    return f"{result[name]:.2f} s"


def _grid(results: dict[str, list[Result]]) -> str:
    rows = [
        [
            f"{loss:.0%}",
            f"{round_trip * 1000:.0f} ms",
            disorder,
            f"{cell['ours']['required']:.1%}" if "ours" in cell else "",
            _share(cell.get("ours")),
            _seconds(cell.get("ours"), "p50"),
            _seconds(cell.get("ours"), "p99"),
            str(len(cell["ours"]["violations"])) if "ours" in cell else "",
            _share(cell.get("official")),
            _seconds(cell.get("official"), "p50"),
        ]
        for (loss, round_trip, disorder), cell in _by_key(results, "loss", "round_trip", "disorder").items()
    ]
    head = ["loss", "round trip", "order", "required", "succeeded", "p50", "p99", "violations", "official", "p50"]
    return "### Loss, round trip, disorder\n\n" + _table(head, rows)


def _outages(results: dict[str, list[Result]]) -> str:
    rows: list[list[str]] = []
    for outage in sorted({line["outage"] for lines in results.values() for line in lines}):
        of = {sdk: [line for line in lines if line["outage"] == outage] for sdk, lines in results.items()}
        back = {sdk: ", ".join(_seconds(line, "back") or "never" for line in lines) for sdk, lines in of.items()}
        broken = sum(len(line["violations"]) for line in of.get("ours", []))
        rows.append([f"{outage:g} s", back.get("ours", ""), str(broken), back.get("official", "not measured")])
    head = ["outage", "first successful call after the link's return (each run)", "violations", "official"]
    return "### Outages\n\n" + _table(head, rows)


def _rate(results: dict[str, list[Result]]) -> str:
    rows = [
        [
            way,
            _share(of.get("ours")),
            _seconds(of.get("ours"), "p50"),
            _seconds(of.get("ours"), "p99"),
            _share(of.get("official")),
            _seconds(of.get("official"), "p99"),
        ]
        for (way,), of in _by_key(results, "stream").items()
    ]
    return "### 256 kbit/s beside a stream of 10 MB\n\n" + _table(
        ["stream", "succeeded", "p50", "p99", "official", "p99"], rows
    )


def _kills(results: dict[str, list[Result]]) -> str:
    rows = [
        [what]
        + [
            f"{of[sdk]['back_median']:.2f} s, {of[sdk]['back']:.2f} s in {of[sdk]['rounds']} rounds; "
            f"{len(of[sdk]['violations'])} violations"
            if sdk in of
            else "not measured"
            for sdk in ("ours", "official")
        ]
        for (what,), of in _by_key(results, "killed").items()
    ]
    return "### Killed processes: seconds until calls succeed again, median and maximum\n\n" + _table(
        ["killed", "ours", "official"], rows
    )


def _flood(results: dict[str, list[Result]]) -> str:
    runs = [(sdk, result) for sdk, lines in results.items() for result in lines]
    rows = [[what, *(show(result) for _, result in runs)] for what, show in _FLOOD.items()]
    return "### Floods\n\n" + _table(["", *(sdk for sdk, _ in runs)], rows)


def _outcomes(result: Result, *begins: str) -> str:
    return f"{sum(count for outcome, count in result['outcomes'].items() if outcome.startswith(begins)):,}"


def _memory(result: Result, process: str) -> str:
    before, peak, after = (result["memory_kib"][process][when] / 1024 for when in ("before", "peak", "after"))
    return f"{before:.0f}, {peak:.0f}, {after:.0f} MiB"


def _quiet(result: Result, when: str) -> str:
    return ", ".join(f"{result[f'{when}_{share}']:.2f} s" for share in ("p50", "p99"))


_FLOOD: dict[str, Callable[[Result], str]] = {
    "offered in 60 s": lambda result: f"{result['offered']:,}",
    "answered": lambda result: _outcomes(result, "ok"),
    "refused: 1500 `overloaded`": lambda result: _outcomes(result, '1500 {"reason":"overloaded"}'),
    "response timeout: 1502": lambda result: _outcomes(result, "1502"),
    "no acknowledgement: 1501": lambda result: _outcomes(result, "1501"),
    "callee disconnected: 1503": lambda result: _outcomes(result, "1503"),
    "not sent: 1505": lambda result: _outcomes(result, "1505"),
    "violations; ended over 250 ms late": lambda result: f"{len(result['violations'])}; {result['late']:,}",
    "longest pause of a flooding process": lambda result: _seconds(result, "pause"),
    "concurrent handlers of one caller": lambda result: str(max(result["most_at_once"].values())),
    "callee's memory before, peak, after": lambda result: _memory(result, "callee"),
    "server's memory before, peak, after": lambda result: _memory(result, "server"),
    "quiet caller's p50, p99 before": lambda result: _quiet(result, "idle"),
    "and during the flood": lambda result: _quiet(result, "during"),
    "its failed calls": lambda result: str(sum(result["quiet_failed"].values())),
    "the flood's last call ended after": lambda result: _seconds(result, "drained"),
    "the quiet caller recovered after": lambda result: _seconds(result, "recovery") or "never",
    "CPU cores used in total": lambda result: f"{sum(result['processors'].values()):.1f}",
}


_RENDERERS: dict[str, Callable[[dict[str, list[Result]]], str]] = {
    "grid": _grid,
    "outages": _outages,
    "rate": _rate,
    "kills": _kills,
    "flood": _flood,
}

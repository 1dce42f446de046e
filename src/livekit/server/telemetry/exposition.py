"""Prometheus text exposition format 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LABEL = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric and its samples."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list[tuple[Mapping[str, str], float]])
    """Labels and value of each sample."""


def counter(name: str, description: str, *samples: tuple[Mapping[str, str], float] | float) -> Metric:
    """Return a counter. A sample without labels is a number."""
    return Metric(name, "counter", description, [_sample(sample) for sample in samples])


def gauge(name: str, description: str, *samples: tuple[Mapping[str, str], float] | float) -> Metric:
    """Return a gauge. A sample without labels is a number."""
    return Metric(name, "gauge", description, [_sample(sample) for sample in samples])


def render(metrics: Iterable[Metric]) -> str:
    """Return the text format of metrics."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {metric.help.translate(_HELP)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [f"{metric.name}{_labels(labels)} {value}" for labels, value in metric.samples]
    return "\n".join(lines) + "\n"


def _sample(sample: tuple[Mapping[str, str], float] | float) -> tuple[Mapping[str, str], float]:
    return sample if isinstance(sample, tuple) else ({}, sample)


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_LABEL)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""

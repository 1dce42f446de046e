"""Impairments of the link between a participant and the server."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Faults"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """Impairments of one direction of a link. Probabilities range from 0 to 1.

    The transport's guarantees hold: signal messages and reliable packets are neither lost nor reordered, only lossy
    packets are.
    """

    delay: float = 0.0
    """One-way delay in seconds."""
    jitter: float = 0.0
    """Maximum additional delay in seconds, uniformly distributed; reorders lossy packets."""
    loss: float = 0.0
    """Loss probability of lossy packets."""
    duplicate: float = 0.0
    """Probability that a data packet arrives a second time, up to `delay` + `jitter` later. Reliable packets keep their
    sequence number, like those retransmitted after a resume."""
    bandwidth: float | None = None
    """Bytes of data packets per second and channel; None for no limit."""
    setup: float = 0.0
    """Seconds from joining to ACTIVE, when data packets can flow."""

    def __post_init__(self) -> None:
        """Validate the values. Raises ValueError."""
        for name in ("delay", "jitter", "setup"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("loss", "duplicate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability: from 0 to 1")
        if self.bandwidth is not None and self.bandwidth <= 0:
            raise ValueError("bandwidth must be positive, or None for no limit")

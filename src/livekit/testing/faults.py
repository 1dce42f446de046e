"""What may go wrong between a participant and the server."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Faults"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """How messages travel, one way. Probabilities are 0 to 1.

    What a transport guarantees stays: signal messages and reliable packets are neither lost nor reordered, however
    bad the network is; only lossy packets are.
    """

    delay: float = 0.0
    """Seconds that everything takes."""
    jitter: float = 0.0
    """Up to so many seconds more, evenly distributed; reorders lossy packets."""
    loss: float = 0.0
    """Share of the lossy packets that is lost."""
    duplicate: float = 0.0
    """Probability that a data packet comes a second time, up to `delay` + `jitter` later. Reliable packets keep their
    sequence number, as those that are sent again after a resume."""
    bandwidth: float | None = None
    """Bytes of data packets per second and channel; None for no limit."""
    setup: float = 0.0
    """Seconds between joining and being ACTIVE, which is when packets can pass."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        for name in ("delay", "jitter", "setup"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("loss", "duplicate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability: from 0 to 1")
        if self.bandwidth is not None and self.bandwidth <= 0:
            raise ValueError("bandwidth must be positive, or None for no limit")

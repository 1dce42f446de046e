"""For who looks at the server from outside, on this machine: metrics for Prometheus, and its state as JSON."""

from __future__ import annotations

from .routes import Telemetry

__all__ = ["Telemetry"]

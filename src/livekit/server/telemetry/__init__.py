"""Observability for local tools: Prometheus metrics, and the server's state as JSON."""

from __future__ import annotations

from .routes import Telemetry

__all__ = ["Telemetry"]

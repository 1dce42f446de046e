"""Audio: frames, sources, streams and processing."""

from __future__ import annotations

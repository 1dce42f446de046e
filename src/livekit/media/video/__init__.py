"""Video: frames, sources and streams, raw and encoded."""

from __future__ import annotations

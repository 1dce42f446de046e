"""Pre-encoded video."""

from __future__ import annotations

from livekit.media.video.encoded import (
    EncodedRateControl,
    EncodedVideoFrame,
    EncodedVideoSource,
    EncodedVideoSourceFeedback,
)

__all__ = ["EncodedRateControl", "EncodedVideoFrame", "EncodedVideoSource", "EncodedVideoSourceFeedback"]

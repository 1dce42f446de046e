"""Video that comes encoded."""

from __future__ import annotations

from livekit.media.frames import EncodedVideoFrame
from livekit.media.video import EncodedRateControl, EncodedVideoSource, EncodedVideoSourceFeedback

__all__ = ["EncodedRateControl", "EncodedVideoFrame", "EncodedVideoSource", "EncodedVideoSourceFeedback"]

"""Types of handles.proto."""

from __future__ import annotations

from livekit._proto import define

define(globals())

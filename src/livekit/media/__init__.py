"""The official SDK's audio and video by name.

What only holds data (frames, events, options) works. What needs a media engine can be named, imported, subclassed and
checked for with `isinstance`, and raises `livekit.errors.MediaNotBuiltError` when it is used.
"""

from __future__ import annotations

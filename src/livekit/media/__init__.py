"""Audio and video with the official SDK's names.

Plain data (frames, events, options) works. Classes that need a media engine can be imported, subclassed and used with
`isinstance`, but raise `livekit.errors.MediaNotBuiltError` when instantiated or called.
"""

from __future__ import annotations

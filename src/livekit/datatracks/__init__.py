"""Data tracks: frames of bytes from one participant to whoever subscribes, fast rather than reliable.

`packet` and `frames` are the wire, without I/O; `tracks` is what users hold; `exchange` joins them to a session.
"""

from __future__ import annotations

"""End-to-end encryption."""

from __future__ import annotations

from livekit.e2ee import E2EEManager, E2EEOptions, KeyProvider, KeyProviderOptions
from livekit.e2ee.frame_cryptor import FrameCryptor
from livekit.e2ee.options import (
    DEFAULT_FAILURE_TOLERANCE,
    DEFAULT_KEY_RING_SIZE,
    DEFAULT_RATCHET_SALT,
    DEFAULT_RATCHET_WINDOW_SIZE,
)

__all__ = [
    "DEFAULT_FAILURE_TOLERANCE",
    "DEFAULT_KEY_RING_SIZE",
    "DEFAULT_RATCHET_SALT",
    "DEFAULT_RATCHET_WINDOW_SIZE",
    "E2EEManager",
    "E2EEOptions",
    "FrameCryptor",
    "KeyProvider",
    "KeyProviderOptions",
]

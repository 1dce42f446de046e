"""End-to-end encryption: options, keys, the cipher of data packets, and those of audio and video frames."""

from __future__ import annotations

from .manager import E2EEManager
from .options import E2EEOptions, KeyProviderOptions
from .provider import KeyProvider

__all__ = ["E2EEManager", "E2EEOptions", "KeyProvider", "KeyProviderOptions"]

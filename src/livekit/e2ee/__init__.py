"""End-to-end encryption of data packets and data tracks: options, keys, and the packet cipher."""

from __future__ import annotations

from .options import E2EEOptions, KeyProviderOptions
from .provider import E2EEManager, KeyProvider

__all__ = ["E2EEManager", "E2EEOptions", "KeyProvider", "KeyProviderOptions"]

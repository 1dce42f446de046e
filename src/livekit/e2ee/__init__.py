"""End-to-end encryption of what participants send each other: options, keys, and packets sealed and opened."""

from __future__ import annotations

from .options import E2EEOptions, KeyProviderOptions
from .provider import E2EEManager, KeyProvider

__all__ = ["E2EEManager", "E2EEOptions", "KeyProvider", "KeyProviderOptions"]

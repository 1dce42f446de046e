"""SRTP (RFC 3711, RFC 7714) with keys from DTLS (RFC 5764), as a sans-I/O core on `cryptography`."""

from __future__ import annotations

from .profiles import EXPORTER_LABEL, MasterKey, SrtpProfile, split_keying_material
from .session import SrtpError, SrtpReceiver, SrtpSender

__all__ = [
    "EXPORTER_LABEL",
    "MasterKey",
    "SrtpError",
    "SrtpProfile",
    "SrtpReceiver",
    "SrtpSender",
    "split_keying_material",
]

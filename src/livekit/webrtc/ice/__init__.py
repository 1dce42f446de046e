"""Interactive Connectivity Establishment (RFC 8445, 8838, 7675) without I/O and without a clock.

An :class:`IceAgent` implements the interface of :mod:`livekit.webrtc.core`, with a socket and an address per datagram.
"""

from __future__ import annotations

from .agent import IceAgent, IceState
from .candidate import Candidate, CandidateError
from .checklist import CandidatePair, Credentials
from .checks import Transmit
from .stun import Address, StunError

__all__ = [
    "Address",
    "Candidate",
    "CandidateError",
    "CandidatePair",
    "Credentials",
    "IceAgent",
    "IceState",
    "StunError",
    "Transmit",
]

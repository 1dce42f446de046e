"""The kinds of participants that are tested against each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One version of an SDK."""

    name: str
    """Short name, for test ids."""
    title: str
    program: str
    """Its runtime: "ours", "python", "node" or "browser"."""
    client_protocol: int = 2
    """Its `client_protocol`. 0: RPC by packets; 1: by streams of three packets; 2: also by streams of one packet."""
    package: str = ""
    """For browsers: the SDK's folder in node_modules."""

    def __str__(self) -> str:
        return self.name


OURS = Kind("ours", "livekit-pure", "ours")
PYTHON = Kind("python", "livekit 1.2.1 (Python)", "python")
NODE = Kind("node", "@livekit/rtc-node 1.1.0", "node")
BROWSER = Kind("browser", "livekit-client 2.23.0 in Chromium", "browser", 2, "livekit-client")
BROWSER_1 = Kind("browser-1", "livekit-client 2.20.2 in Chromium", "browser", 1, "livekit-client-protocol-1")
BROWSER_0 = Kind("browser-0", "livekit-client 2.18.10 in Chromium", "browser", 0, "livekit-client-protocol-0")

OFFICIAL = (PYTHON, NODE, BROWSER, BROWSER_1, BROWSER_0)


@dataclass(frozen=True)
class Pair:
    caller: Kind
    callee: Kind

    def __str__(self) -> str:
        return f"{self.caller}-to-{self.callee}"

    @property
    def version_1(self) -> bool:
        """True if its calls use RPC version 1, which limits payloads."""
        return 0 in (self.caller.client_protocol, self.callee.client_protocol)


FROM_OURS = tuple(Pair(OURS, other) for other in OFFICIAL)
TO_OURS = tuple(Pair(other, OURS) for other in OFFICIAL)
WITH_OURS = (*FROM_OURS, *TO_OURS, Pair(OURS, OURS))
AMONG_OTHERS = (Pair(PYTHON, NODE), Pair(NODE, BROWSER), Pair(BROWSER, PYTHON), Pair(PYTHON, PYTHON))
"""Pairs of official SDKs, through the server."""
ALL_PAIRS = (*WITH_OURS, *AMONG_OTHERS)

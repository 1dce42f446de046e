"""Connectivity and consent checks in flight: Binding requests, their repetition, and the answers to them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from .candidate import candidate_priority
from .checklist import Pair
from .stun import Address, Attribute, Kind, StunMessage

__all__ = ["Check", "Checks", "Transmit"]

FIRST_RETRY = 0.1
"""Seconds until a check is repeated, doubled each time up to MAX_RETRY. Shorter than RFC 8445 section 14.3 has it: it
is a small packet, and the first one is often lost to a peer that is not ready."""
MAX_RETRY = 1.6
CONSENT_RETRY = 0.25
"""Seconds until an unanswered consent check is repeated, each time."""
MAX_TRIES = 8


@dataclass(frozen=True, slots=True)
class Transmit:
    """A datagram to send through `path` to `address`."""

    path: object
    address: Address
    data: bytes


@dataclass(eq=False, slots=True)
class Check:
    """A Binding request in flight."""

    pair: Pair
    data: bytes
    controlling: bool
    """Our role when it was sent."""
    nominating: bool
    consent: bool
    sent_at: float
    retry_at: float
    tries: int = 1


class Checks:
    def __init__(self, transmit: Callable[[Transmit], None]) -> None:
        self.tie_breaker = secrets.randbits(64)
        self._transmit = transmit
        self._in_flight: dict[bytes, Check] = {}

    def start(
        self, pair: Pair, now: float, *, controlling: bool, nominating: bool = False, consent: bool = False
    ) -> None:
        """Send a check; without the peer's credentials there is none."""
        remote = pair.generation.remote
        if remote is None:
            return
        request = StunMessage(Kind.REQUEST)
        request.attributes[Attribute.USERNAME] = f"{remote.ufrag}:{pair.generation.local.ufrag}".encode()
        request.set_number(Attribute.PRIORITY, candidate_priority("prflx"), 4)
        role = Attribute.ICE_CONTROLLING if controlling else Attribute.ICE_CONTROLLED
        request.set_number(role, self.tie_breaker, 8)
        if controlling and (nominating or (consent and pair.nominated)):
            request.attributes[Attribute.USE_CANDIDATE] = b""
        data = request.encode(remote.password.encode())
        retry_at = now + (CONSENT_RETRY if consent else FIRST_RETRY)
        self._in_flight[request.transaction_id] = Check(pair, data, controlling, nominating, consent, now, retry_at)
        self._transmit(Transmit(pair.path, pair.address, data))

    def answered(self, message: StunMessage, path: object) -> Check | None:
        """The check that this is the answer to, if it came the same way and is authentic; it is over then."""
        check = self._in_flight.get(message.transaction_id)
        if check is None or check.pair.path != path:
            return None
        remote = check.pair.generation.remote
        if remote is None or not message.is_signed_by(remote.password.encode()):
            return None
        return self._in_flight.pop(message.transaction_id)

    def retry(self, now: float) -> list[Check]:
        """Repeat what is due; those that were repeated often enough are over and returned."""
        given_up: list[Check] = []
        for transaction_id, check in list(self._in_flight.items()):
            if check.retry_at > now:
                continue
            if check.tries >= MAX_TRIES:
                del self._in_flight[transaction_id]
                given_up.append(check)
                continue
            check.retry_at = now + (CONSENT_RETRY if check.consent else min(FIRST_RETRY * 2**check.tries, MAX_RETRY))
            check.tries += 1
            self._transmit(Transmit(check.pair.path, check.pair.address, check.data))
        return given_up

    def next_timer(self) -> float | None:
        return min((check.retry_at for check in self._in_flight.values()), default=None)

    def is_checking(self, pair: Pair) -> bool:
        return any(check.pair is pair for check in self._in_flight.values())

    @property
    def is_nominating(self) -> bool:
        return any(check.nominating for check in self._in_flight.values())

    def drop(self, condition: Callable[[Check], bool]) -> None:
        """Forget the checks for which this holds."""
        self._in_flight = {t: check for t, check in self._in_flight.items() if not condition(check)}

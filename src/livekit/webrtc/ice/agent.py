"""The ICE agent: connectivity checks, nomination, consent and restart for one component.

Every method takes `now` (seconds of any monotonic clock). What is to be sent is fetched with `take_transmits`; the
state and the selected pair are attributes to look at after each call.

A pair is used as soon as it is valid (RFC 8445 section 12.1); nomination only settles which one stays.
"""

from __future__ import annotations

import enum
import random

from .candidate import Candidate, candidate_priority
from .checklist import Credentials, Generation, LocalPath, Pair, PairState
from .checks import Check, Checks, Transmit
from .consent import Consent
from .stun import BINDING, Address, Attribute, Kind, StunError, StunMessage, parse_stun

__all__ = ["IceAgent", "IceState", "Transmit"]

PACING = 0.005
"""Seconds between new checks; the least that RFC 8445 section 14.2 allows."""
NOMINATION_DELAY = 0.05
"""Seconds the controlling side waits for a better pair after the first that works."""
CHECK_TIMEOUT = 15.0
"""Seconds from the peer's credentials to FAILED if no pair works."""


class IceState(enum.Enum):
    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    """The peer has been silent for half the consent timeout."""
    FAILED = "failed"
    """No pair works, or consent has expired (RFC 7675 section 5.1). A restart may recover."""


class IceAgent:
    def __init__(
        self, *, controlling: bool, consent_timeout: float = 5.0, randomness: random.Random | None = None
    ) -> None:
        self.controlling = controlling
        self.state = IceState.NEW
        self.selected: Pair | None = None
        self.round_trip_time: float | None = None
        """Seconds, of the last answer on the selected pair."""
        self.trusted: set[Address] = set()
        """Where packets may come from: addresses that have shown the password."""
        self._consent = Consent(consent_timeout, randomness or random.Random())
        self._paths: dict[object, LocalPath] = {}
        self._current = Generation(Credentials.generate())
        self._previous: Generation | None = None
        self._transmits: list[Transmit] = []
        self._checks = Checks(self._transmits.append)
        self._pace_at = 0.0
        self._deadline: float | None = None
        self._nominate_at: float | None = None
        self._timer_at: float | None = None

    # What both sides describe to each other

    @property
    def credentials(self) -> Credentials:
        return self._current.local

    @property
    def remote_credentials(self) -> Credentials | None:
        return self._current.remote

    def add_path(self, path: object, candidate: Candidate, now: float, *, only: Address | None = None) -> None:
        """Take a local candidate with a base of its own: host, relay, or a TCP connection to `only`."""
        local = self._paths[path] = LocalPath(path=path, candidate=candidate, only=only)
        for remote in self._current.remotes:
            if local.reaches(remote):
                self._current.pair_for(local, remote)
        self._advance(now)

    def remove_path(self, path: object, now: float) -> None:
        """The path is broken."""
        self._paths.pop(path, None)
        for pair in [*self._current, *(self._previous or ())]:
            if pair.path == path:
                pair.fail()
        self._advance(now)

    def set_remote(self, credentials: Credentials, now: float) -> None:
        """Take the peer's credentials for the current generation; checks begin."""
        if self._current.remote is not None:
            return
        self._current.remote = credentials
        self._deadline = now + CHECK_TIMEOUT
        self._advance(now)

    def add_remote(self, candidate: Candidate, now: float) -> None:
        """Take a candidate of the peer; one that cannot be used is ignored (mDNS names, other components)."""
        usable = candidate.component == 1 and candidate.port > 0 and candidate.ip_version is not None
        stale = candidate.ufrag and self._current.remote and candidate.ufrag != self._current.remote.ufrag
        if not usable or stale or not self._current.add_remote(candidate):
            return
        for local in self._paths.values():
            if local.reaches(candidate):
                self._current.pair_for(local, candidate)
        self._advance(now)

    def restart(self, now: float) -> None:
        """Begin a new generation of credentials (RFC 8445 section 9); data goes on over the old pair meanwhile."""
        if self.selected is None or self.selected.generation is self._current:
            self._previous = self._current
        self._current = Generation(Credentials.generate())
        self._deadline = self._nominate_at = None
        if self.state is IceState.FAILED:
            self.state = IceState.CHECKING
        self._advance(now)

    # Packets

    def receive(self, data: bytes, path: object, address: Address, now: float) -> None:
        """Take a STUN packet. What cannot be read or authenticated is dropped without an answer."""
        if self.state is IceState.FAILED:
            return
        try:
            message = parse_stun(data)
        except StunError:
            return
        if message.method != BINDING or message.kind is Kind.INDICATION:
            return
        if message.kind is Kind.REQUEST:
            self._received_request(message, path, address, now)
        else:
            self._received_response(message, path, address, now)
        self._advance(now)

    def take_transmits(self) -> list[Transmit]:
        transmits = self._transmits.copy()
        self._transmits.clear()
        return transmits

    def _received_request(self, message: StunMessage, path: object, address: Address, now: float) -> None:
        known = (self._current, self._previous)
        generation = next((one for one in known if one is not None and one.authenticates(message)), None)
        local = self._paths.get(path)
        if generation is None or local is None:
            return
        response = StunMessage(Kind.SUCCESS, message.method, message.transaction_id)
        if self._wins_role_conflict(message):
            response.kind = Kind.ERROR
            response.set_error(487, "Role Conflict")
        else:
            response.mapped_address = address
        self._transmits.append(Transmit(path, address, response.encode(generation.local.password.encode())))
        if response.kind is Kind.ERROR:
            return
        pair = generation.pairs.get((path, address)) or self._learned_pair(generation, local, address, message)
        if pair is not None:
            self.trusted.add(address)
            self._triggered_check(pair, Attribute.USE_CANDIDATE in message.attributes, now)

    def _learned_pair(
        self, generation: Generation, local: LocalPath, address: Address, message: StunMessage
    ) -> Pair | None:
        """A pair with a peer-reflexive candidate (RFC 8445 section 7.3.1.3)."""
        priority = message.number(Attribute.PRIORITY) or candidate_priority("prflx")
        host, port = address
        transport = local.candidate.transport
        remote = Candidate(host=host, port=port, kind="prflx", priority=priority & 0xFFFFFFFF, transport=transport)
        generation.add_remote(remote)
        known = next((c for c in generation.remotes if c.address == address), None)
        return None if known is None else generation.pair_for(local, known)

    def _wins_role_conflict(self, message: StunMessage) -> bool:
        """RFC 8445 section 7.3.1.1: True if the peer is to switch; if it is us, we have."""
        same = Attribute.ICE_CONTROLLING if self.controlling else Attribute.ICE_CONTROLLED
        theirs = message.number(same)
        if theirs is None:
            return False
        keeps_role = (self._checks.tie_breaker >= theirs) == self.controlling
        if not keeps_role:
            self.controlling = not self.controlling
        return keeps_role

    def _triggered_check(self, pair: Pair, use_candidate: bool, now: float) -> None:
        """RFC 8445 sections 7.3.1.4 and 7.3.1.5."""
        nominated_by_peer = use_candidate and not self.controlling
        if pair.state is PairState.SUCCEEDED:
            pair.nominated = pair.nominated or nominated_by_peer
            is_wanted = nominated_by_peer or self.state is IceState.DISCONNECTED
            if is_wanted and pair is not self.selected and not self._checks.is_checking(pair):
                self._start_check(pair, now)
            return
        pair.nominate_when_valid = pair.nominate_when_valid or nominated_by_peer
        if pair.generation.remote is None:
            pair.state = PairState.WAITING
        elif not self._checks.is_checking(pair):
            self._start_check(pair, now)

    def _received_response(self, message: StunMessage, path: object, address: Address, now: float) -> None:
        check = self._checks.answered(message, path)
        if check is None:
            return
        pair = check.pair
        if message.kind is Kind.SUCCESS and address == pair.address:
            self._check_succeeded(check, now)
        elif message.error_code == 487:
            # RFC 8445 section 7.2.5.1: switch, unless done since, and check again.
            self.controlling = not check.controlling
            self._start_check(pair, now)
        elif not check.consent:
            pair.fail()

    def _check_succeeded(self, check: Check, now: float) -> None:
        pair = check.pair
        pair.state = PairState.SUCCEEDED
        pair.confirmed_at = now
        pair.nominated = pair.nominated or pair.nominate_when_valid or (check.nominating and self.controlling)
        if pair.nominated and not self.controlling and self.selected not in (None, pair):
            self._consent.doubt(self.selected, now)  # the address of the peer may have changed
        self.trusted.add(pair.address)
        if check.tries == 1 and (pair is self.selected or self.round_trip_time is None):
            self.round_trip_time = now - check.sent_at

    # Time

    def next_timer(self) -> float | None:
        """When `handle_timer` is to be called; None for never."""
        return self._timer_at

    def _compute_timer(self) -> float | None:
        times = [at for at in (self._checks.next_timer(), self._nominate_at) if at is not None]
        if self._waiting():
            times.append(self._pace_at)
        if self.selected is not None and self.state is not IceState.FAILED:
            silent = self.state is IceState.DISCONNECTED
            times.append(self._consent.ask_at)
            times.append((self._consent.expires_at if silent else self._consent.silent_at)(self.selected))
        elif self._deadline is not None:
            times.append(self._deadline)
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        for check in self._checks.retry(now):
            if not check.consent:
                check.pair.fail()
        self._advance(now)

    def _advance(self, now: float) -> None:
        """Do what is due; called at the end of every input."""
        if self._waiting() and self._pace_at <= now:
            self._pace_at = now + PACING
            self._start_check(max(self._waiting(), key=self._priority), now)
        self._select(now)
        if self.controlling:
            self._nominate(now)
        self._check_consent(now)
        self._update_state(now)
        self._timer_at = self._compute_timer()  # asked for with every packet, changed only here

    def _waiting(self) -> list[Pair]:
        """Pairs whose check is to be started."""
        settled = self.controlling and self._current.is_nominated
        if self._current.remote is None or settled or self.state is IceState.FAILED:
            return []
        return self._current.in_state(PairState.WAITING)

    def _priority(self, pair: Pair) -> int:
        return pair.priority(self.controlling)

    def _start_check(self, pair: Pair, now: float, *, nominating: bool = False, consent: bool = False) -> None:
        if pair.state is not PairState.SUCCEEDED:
            pair.state = PairState.IN_PROGRESS
        self._checks.start(pair, now, controlling=self.controlling, nominating=nominating, consent=consent)

    def _select(self, now: float) -> None:
        """Use the best valid pair; nothing of an old generation once the new one has one."""
        valid = self._current.in_state(PairState.SUCCEEDED)
        if not valid:
            if self.selected is not None and self.selected.state is PairState.FAILED:
                self.selected = None
            return
        best = max(valid, key=lambda p: (now < self._consent.silent_at(p), p.nominated, self._priority(p)))
        if best is not self.selected:
            self.selected = best
            self._consent.asked(now)
        if best.nominated and self._previous is not None:
            self._previous = None
            self._checks.drop(lambda check: check.pair.generation is not self._current)

    def _nominate(self, now: float) -> None:
        """Regular nomination (RFC 8445 section 8.1.1): the best pair, or what works after a short wait."""
        best = self.selected
        if best is None or best.generation is not self._current or self._current.is_nominated:
            self._nominate_at = None
            return
        if self._checks.is_nominating:
            return
        if self._nominate_at is None:
            self._nominate_at = now + NOMINATION_DELAY
        alive = [pair for pair in self._current if pair.state is not PairState.FAILED]
        if best is max(alive, key=self._priority) or now >= self._nominate_at:
            self._nominate_at = None
            self._start_check(best, now, nominating=True)

    def _check_consent(self, now: float) -> None:
        if self.selected is None or now < self._consent.ask_at or self.state is IceState.FAILED:
            return
        self._consent.asked(now)
        self._checks.drop(lambda check: check.consent)
        self._start_check(self.selected, now, consent=True)

    def _update_state(self, now: float) -> None:
        if self.selected is None:
            if self._deadline is not None and now >= self._deadline:
                self._give_up()
            elif self.state is not IceState.FAILED and self._current.remote is not None:
                self.state = IceState.CHECKING
            return
        if now >= self._consent.expires_at(self.selected):
            self._give_up()
        else:
            silent = now >= self._consent.silent_at(self.selected)
            self.state = IceState.DISCONNECTED if silent else IceState.CONNECTED

    def _give_up(self) -> None:
        self.state = IceState.FAILED
        self.selected = self._previous = self._deadline = None
        self._checks.drop(lambda _: True)
        for pair in self._current:
            pair.fail()

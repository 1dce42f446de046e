"""Two ICE agents on an emulated network: connectivity checks, nomination, consent freshness and restart."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pytest

from livekit.testing.netem import LinkOptions, Network
from livekit.webrtc.ice import Address, Candidate, IceAgent, IceState
from livekit.webrtc.ice.agent import CHECK_TIMEOUT, PACING
from livekit.webrtc.ice.checklist import MAX_REMOTE_CANDIDATES
from livekit.webrtc.ice.consent import RECHECK_TIMEOUT
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage, parse_stun


@dataclass(frozen=True)
class Packet:
    """A datagram with its addresses, as the network sees them."""

    data: bytes
    source: Address
    destination: Address

    def __len__(self) -> int:
        return len(self.data)


class Host:
    """An agent with sockets, each identified by its local address; an endpoint of the network."""

    def __init__(self, *addresses: str, controlling: bool, consent_timeout: float = 5.0) -> None:
        self.addresses = [(address, 4000 + len(address)) for address in addresses]
        self.agent = IceAgent(controlling=controlling, consent_timeout=consent_timeout, rng=random.Random(1))
        self.candidates = [
            Candidate.local("host", address, preference=65_535 - index) for index, address in enumerate(self.addresses)
        ]
        self.states: list[IceState] = []
        self.sent = 0
        self.down: set[Address] = set()
        """Addresses that cannot be reached and cannot send; shared by both hosts."""
        self.mapped: dict[Address, Address] = {}
        """Mapped address (RFC 8445 section 4) of each socket behind a NAT."""

    def bind(self, now: float = 0.0) -> None:
        for candidate in self.candidates:
            self.agent.add_local_candidate(candidate, candidate.address, now)

    def signal_to(self, other: Host, now: float = 0.0, *, candidates: bool = True) -> None:
        other.agent.set_remote_credentials(self.agent.credentials, now)
        if candidates:
            for candidate in self.candidates:
                other.agent.add_remote_candidate(candidate, now)

    def receive_datagram(self, packet: Packet, now: float, /) -> None:
        base = next((base for base, mapped in self.mapped.items() if mapped == packet.destination), packet.destination)
        is_behind_nat = base in self.mapped and base == packet.destination
        if base in self.addresses and base not in self.down and not is_behind_nat:
            self.agent.receive_datagram(packet.data, base, packet.source, now)

    def datagrams_to_send(self, now: float, /) -> list[Packet]:
        if not self.states or self.states[-1] is not self.agent.state:
            self.states.append(self.agent.state)
        packets: list[Packet] = []
        for transmit in self.agent.datagrams_to_send(now):
            self.sent += 1
            base = cast(Address, transmit.socket)
            if base not in self.down:
                packets.append(Packet(transmit.data, self.mapped.get(base, base), transmit.address))
        return packets

    def next_timer(self) -> float | None:
        return self.agent.next_timer()

    def handle_timer(self, now: float, /) -> None:
        self.agent.handle_timer(now)


class World:
    """Two hosts and the network between them."""

    def __init__(self, a: Host, b: Host, *, seed: int = 0, link: LinkOptions | None = None) -> None:
        self.a, self.b = a, b
        self.network = Network(a, b, seed=seed, link=link or LinkOptions(delay=0.01))
        self.down = b.down = a.down
        self.mapped = b.mapped = a.mapped
        a.bind()
        b.bind()

    def signal(self) -> None:
        """Exchange credentials and candidates."""
        self.a.signal_to(self.b, self.network.now)
        self.b.signal_to(self.a, self.network.now)

    def run(self, seconds: float) -> None:
        self.run_until(lambda: False, seconds)

    def run_until(self, condition: Callable[[], bool], limit: float = 30.0) -> bool:
        return self.network.run(until=condition, limit=limit)

    @property
    def sent(self) -> int:
        return self.a.sent + self.b.sent

    @property
    def connected(self) -> bool:
        return all(host.agent.state is IceState.CONNECTED for host in (self.a, self.b))

    @property
    def nominated(self) -> bool:
        pairs = [host.agent.selected_pair for host in (self.a, self.b)]
        return all(pair is not None and pair.nominated for pair in pairs)


def pair_of_hosts(*, consent_timeout: float = 5.0) -> tuple[Host, Host]:
    return Host("10.0.0.1", controlling=True, consent_timeout=consent_timeout), Host(
        "10.0.0.2", controlling=False, consent_timeout=consent_timeout
    )


def connected_world(*, seed: int = 0, link: LinkOptions | None = None, consent_timeout: float = 5.0) -> World:
    world = World(*pair_of_hosts(consent_timeout=consent_timeout), seed=seed, link=link)
    world.signal()
    assert world.run_until(lambda: world.connected and world.nominated)
    return world


def test_connects_in_one_round_trip() -> None:
    world = World(*pair_of_hosts(), link=LinkOptions(delay=0.05))
    world.signal()
    assert world.run_until(lambda: world.connected)
    assert world.network.now == pytest.approx(0.1)
    assert world.a.agent.round_trip_time == pytest.approx(0.1)
    assert world.run_until(lambda: world.nominated)
    assert world.network.now == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("seed", range(30))
def test_connects_under_loss_and_reordering(seed: int) -> None:
    link = LinkOptions(loss=0.3, delay=0.05, jitter=0.05, duplicate=0.1)
    world = World(*pair_of_hosts(), seed=seed, link=link)
    world.signal()
    assert world.run_until(lambda: world.connected and world.nominated, limit=15)


def test_checks_from_an_unsignaled_peer_create_a_peer_reflexive_candidate() -> None:
    world = World(*pair_of_hosts(), link=LinkOptions(delay=0.01))
    world.a.signal_to(world.b)
    assert world.run_until(lambda: world.b.agent.state is IceState.CONNECTED)
    assert world.a.agent.state is IceState.NEW
    world.b.signal_to(world.a, world.network.now, candidates=False)
    assert world.run_until(lambda: world.connected)
    selected = world.a.agent.selected_pair
    assert selected is not None
    assert selected.remote.kind == "prflx"


def test_pair_of_highest_priority_is_nominated() -> None:
    a = Host("10.0.0.1", "10.0.0.11", controlling=True)
    b = Host("10.0.0.2", "10.0.0.22", controlling=False)
    world = World(a, b)
    world.signal()
    assert world.run_until(lambda: world.nominated)
    for mine, theirs in ((a, b), (b, a)):
        selected = mine.agent.selected_pair
        assert selected is not None
        assert (selected.socket, selected.address) == (mine.addresses[0], theirs.addresses[0])


def test_unreachable_address_does_not_delay_other_pairs() -> None:
    a = Host("10.0.0.1", "10.0.0.11", controlling=True)
    b = Host("10.0.0.2", "10.0.0.22", controlling=False)
    world = World(a, b)
    world.down.add(b.addresses[0])
    world.signal()
    assert world.run_until(lambda: world.nominated, limit=0.5)
    assert a.agent.selected_pair is not None
    assert a.agent.selected_pair.address == b.addresses[1]


def test_trickled_candidate_connects() -> None:
    world = World(*pair_of_hosts())
    world.a.signal_to(world.b, candidates=False)
    world.b.signal_to(world.a, candidates=False)
    world.run(1.0)
    assert world.a.agent.state is IceState.CHECKING
    world.a.agent.add_remote_candidate(world.b.candidates[0], world.network.now)
    assert world.run_until(lambda: world.connected)


def test_fails_without_a_valid_pair() -> None:
    world = World(*pair_of_hosts())
    world.down.update(world.b.addresses)
    world.signal()
    world.run(CHECK_TIMEOUT + 1)
    assert world.a.agent.state is IceState.FAILED
    assert world.a.agent.next_timer() is None


@pytest.mark.parametrize("controlling", [True, False])
def test_role_conflict_is_resolved(controlling: bool) -> None:
    a, b = Host("10.0.0.1", controlling=controlling), Host("10.0.0.2", controlling=controlling)
    world = World(a, b)
    world.signal()
    assert world.run_until(lambda: world.nominated and world.connected)
    assert a.agent.controlling is not b.agent.controlling


def test_expired_consent_fails_the_agent() -> None:
    world = connected_world(consent_timeout=4.0)
    start = world.network.now
    world.down.update(world.b.addresses)
    assert world.run_until(lambda: world.a.agent.state is IceState.DISCONNECTED)
    assert world.network.now - start < 2.1
    assert world.run_until(lambda: world.a.agent.state is IceState.FAILED)
    assert 2.5 < world.network.now - start < 4.1
    assert world.a.agent.selected_pair is None


def test_consent_recovers_from_a_short_outage() -> None:
    world = connected_world(consent_timeout=4.0)
    world.down.update(world.b.addresses)
    assert world.run_until(lambda: world.a.agent.state is IceState.DISCONNECTED)
    world.down.clear()
    assert world.run_until(lambda: world.connected, limit=1.0)


@pytest.mark.parametrize("seed", range(5))
def test_consent_survives_heavy_loss(seed: int) -> None:
    world = connected_world(seed=seed, link=LinkOptions(loss=0.3, delay=0.05, jitter=0.02))
    world.run(300)
    assert IceState.FAILED not in world.a.states + world.b.states


def test_nat_rebinding_of_the_peer() -> None:
    world = connected_world(consent_timeout=5.0)
    world.run(1)
    start = world.network.now
    rebound = world.mapped[world.a.addresses[0]] = ("192.0.2.1", 9)
    assert world.run_until(
        lambda: world.b.agent.selected_pair is not None and world.b.agent.selected_pair.address == rebound
    )
    assert world.network.now - start < 1.5 + RECHECK_TIMEOUT + 0.2, (
        "a consent check of the peer, and the doubt in the old pair"
    )
    world.run(30)
    assert world.connected
    assert IceState.DISCONNECTED not in world.a.states + world.b.states


def test_second_nomination_does_not_replace_a_working_pair() -> None:
    a, b = Host("10.0.0.1", "10.0.1.1", controlling=True), Host("10.0.0.2", controlling=False)
    world = World(a, b)
    world.signal()
    assert world.run_until(lambda: world.connected and world.nominated)
    selected = b.agent.selected_pair
    assert selected is not None
    request = StunMessage(MessageClass.REQUEST)
    remote, local = b.agent.credentials, b.agent.remote_credentials
    assert local is not None
    request.attributes[Attribute.USERNAME] = f"{remote.ufrag}:{local.ufrag}".encode()
    request.attributes[Attribute.USE_CANDIDATE] = b""
    request.set_integer(Attribute.ICE_CONTROLLING, 1, 8)
    b.agent.receive_datagram(
        request.encode(remote.password.encode()), b.addresses[0], a.addresses[1], world.network.now
    )
    world.run(20)
    assert b.agent.selected_pair is selected


def test_idle_connection_sends_only_consent_checks() -> None:
    world = connected_world()
    world.run(1.0)
    before = world.sent
    world.run(60.0)
    # Each side sends a consent check about every 1.25 s, and the other responds.
    assert world.sent - before < 250


def restart(world: World, *, by: Host, other: Host) -> None:
    by.agent.restart(world.network.now)
    other.agent.restart(world.network.now)
    world.signal()


def test_restart_keeps_the_old_pair_until_a_new_one_is_valid() -> None:
    world = connected_world()
    before = world.a.agent.selected_pair
    assert before is not None
    world.a.agent.restart(world.network.now)
    world.run(20)
    assert world.a.agent.selected_pair is before
    assert world.connected
    world.b.agent.restart(world.network.now)
    world.signal()
    assert world.run_until(lambda: world.a.agent.selected_pair is not before and world.nominated and world.connected)
    world.run(20)
    assert world.connected


def test_restart_recovers_from_failure() -> None:
    world = connected_world(consent_timeout=2.0)
    world.down.update(world.b.addresses)
    assert world.run_until(lambda: all(h.agent.state is IceState.FAILED for h in (world.a, world.b)))
    world.down.clear()
    restart(world, by=world.a, other=world.b)
    assert world.run_until(lambda: world.connected and world.nominated)


def test_removing_a_socket_moves_to_another_pair() -> None:
    a = Host("10.0.0.1", "10.0.0.11", controlling=True)
    b = Host("10.0.0.2", "10.0.0.22", controlling=False)
    world = World(a, b)
    world.signal()
    assert world.run_until(lambda: world.nominated)
    now = world.network.now
    a.agent.remove_socket(a.addresses[0], now)
    assert a.agent.selected_pair is None or a.agent.selected_pair.socket == a.addresses[1]


def test_unauthenticated_packets_are_dropped() -> None:
    agent = pair_of_hosts()[0].agent
    agent.add_local_candidate(Candidate.local("host", ("10.0.0.1", 1), preference=1), "socket", 0.0)
    request = StunMessage(MessageClass.REQUEST)
    request.attributes[Attribute.USERNAME] = f"{agent.credentials.ufrag}:x".encode()
    for data in (request.encode(b"wrong"), request.encode(), b"", b"\0" * 20, b"\0" * 2000):
        agent.receive_datagram(data, "socket", ("10.0.0.9", 9), 0.0)
    assert agent.datagrams_to_send(0.0) == []
    assert agent.authenticated_addresses == set()
    agent.receive_datagram(request.encode(agent.credentials.password.encode()), "socket", ("10.0.0.9", 9), 0.0)
    (answer,) = agent.datagrams_to_send(0.0)
    assert parse_stun(answer.data).mapped_address == ("10.0.0.9", 9)
    assert agent.authenticated_addresses == {("10.0.0.9", 9)}


def test_remote_candidates_are_limited_and_checks_paced() -> None:
    world = World(*pair_of_hosts())
    agent = world.a.agent
    agent.set_remote_credentials(world.b.agent.credentials, 0.0)
    for port in range(1, 1000):
        agent.add_remote_candidate(Candidate.local("host", ("10.9.9.9", port), preference=9), 0.0)
    assert len(agent.datagrams_to_send(0.0)) == 1
    world.run(PACING * 10)
    assert world.sent <= 12
    world.run(60.0)
    assert world.sent <= MAX_REMOTE_CANDIDATES * 8


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate(host="a.local", port=1, kind="host", priority=1),
        Candidate(host="10.0.0.2", port=0, kind="host", priority=1),
        Candidate(host="10.0.0.2", port=1, kind="host", priority=1, component=2),
        Candidate(host="10.0.0.2", port=1, kind="host", priority=1, ufrag="another"),
        Candidate(host="10.0.0.2", port=1, kind="host", priority=1, transport="tcp", tcp_type="passive"),
        Candidate(host="::1", port=1, kind="host", priority=1),
    ],
    ids=["mdns", "port 0", "component", "generation", "tcp", "family"],
)
def test_unusable_candidates_are_ignored(candidate: Candidate) -> None:
    a, b = pair_of_hosts()
    a.bind()
    a.agent.set_remote_credentials(b.agent.credentials, 0.0)
    a.agent.add_remote_candidate(candidate, 0.0)
    assert a.agent.datagrams_to_send(0.0) == []


def test_local_candidate_added_later_is_paired() -> None:
    a, b = pair_of_hosts()
    b.signal_to(a)
    assert a.agent.datagrams_to_send(0.0) == []
    a.bind()
    (transmit,) = a.agent.datagrams_to_send(0.0)
    assert (transmit.socket, transmit.address) == (a.addresses[0], b.addresses[0])


def test_remote_credentials_change_only_by_restart() -> None:
    a, b = pair_of_hosts()
    b.signal_to(a)
    signaled = a.agent.remote_credentials
    a.agent.set_remote_credentials(a.agent.credentials, 0.0)
    assert a.agent.remote_credentials is signaled
    a.agent.restart(0.0)
    assert a.agent.remote_credentials is None
    a.agent.set_remote_credentials(b.agent.credentials, 0.0)
    assert a.agent.remote_credentials == b.agent.credentials


def authenticated(agent: IceAgent, message_class: MessageClass = MessageClass.REQUEST, method: int = 1) -> bytes:
    message = StunMessage(message_class, method)
    message.attributes[Attribute.USERNAME] = f"{agent.credentials.ufrag}:x".encode()
    return message.encode(agent.credentials.password.encode())


@pytest.mark.parametrize(("message_class", "method"), [(MessageClass.INDICATION, 1), (MessageClass.REQUEST, 3)])
def test_indications_and_other_methods_are_ignored(message_class: MessageClass, method: int) -> None:
    a, _ = pair_of_hosts()
    a.bind()
    data = authenticated(a.agent, message_class, method)
    a.agent.receive_datagram(data, a.addresses[0], ("10.0.0.9", 9), 0.0)
    assert a.agent.datagrams_to_send(0.0) == []


def test_failed_agent_does_not_respond() -> None:
    world = World(*pair_of_hosts())
    world.down.update(world.b.addresses)
    world.signal()
    world.run(CHECK_TIMEOUT + 1)
    agent = world.a.agent
    agent.receive_datagram(authenticated(agent), world.a.addresses[0], ("10.0.0.9", 9), world.network.now)
    assert agent.datagrams_to_send(world.network.now) == []


def test_error_response_fails_the_pair() -> None:
    """RFC 8445 section 7.2.5.2.4."""
    a, b = pair_of_hosts()
    a.bind()
    b.signal_to(a)
    (transmit,) = a.agent.datagrams_to_send(0.0)
    error = StunMessage(MessageClass.ERROR, transaction_id=parse_stun(transmit.data).transaction_id)
    error.set_error(400, "Bad Request")
    data = error.encode(b.agent.credentials.password.encode())
    a.agent.receive_datagram(data, a.addresses[0], b.addresses[0], 0.01)
    timer = a.agent.next_timer()
    assert timer == CHECK_TIMEOUT, "nothing is retransmitted"
    a.agent.handle_timer(CHECK_TIMEOUT)
    assert a.agent.state is IceState.FAILED


def test_removing_the_only_socket_deselects_its_pair() -> None:
    world = connected_world()
    world.a.agent.remove_socket(world.a.addresses[0], world.network.now)
    assert world.a.agent.selected_pair is None
    assert world.a.agent.state is IceState.DISCONNECTED


def test_a_lost_socket_fails_the_connection_after_the_consent_timeout_only() -> None:
    world = connected_world(consent_timeout=2.0)
    world.run(30)
    agent, now = world.a.agent, world.network.now
    states: list[IceState] = []
    agent.remove_socket(world.a.addresses[0], now)
    for seconds in (0.0, 1.9, 2.1):
        agent.handle_timer(now + seconds)
        states.append(agent.state)
    assert states == [IceState.DISCONNECTED, IceState.DISCONNECTED, IceState.FAILED]

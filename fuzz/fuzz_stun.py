"""Demultiplexing and the ICE agent: arbitrary datagrams raise nothing and do not fail the connection.

Run as `python -m fuzz.fuzz_stun [COUNT] [SEED]`.
"""

from __future__ import annotations

from fuzz.mutate import Fuzzer, always
from livekit.webrtc.demux import packet_kind
from livekit.webrtc.ice import Candidate, Credentials, IceAgent, IceState, StunError
from livekit.webrtc.ice.stun import Attribute, MessageClass, StunMessage, parse_stun

ALLOWED = (StunError,)

ADDRESS = ("10.0.0.2", 5000)
agent = IceAgent(controlling=False)
agent.add_local_candidate(Candidate.local("host", ("10.0.0.1", 4000), preference=1), "socket", 0.0)
agent.set_remote_credentials(Credentials(ufrag="them", password="secret"), 0.0)


def _seeds() -> list[bytes]:
    request = StunMessage(MessageClass.REQUEST)
    request.attributes[Attribute.USERNAME] = f"{agent.credentials.ufrag}:them".encode()
    request.set_integer(Attribute.PRIORITY, 1, 4)
    request.set_integer(Attribute.ICE_CONTROLLING, 1, 8)
    request.attributes[Attribute.USE_CANDIDATE] = b""
    response = StunMessage(MessageClass.SUCCESS)
    response.mapped_address = ("2001:db8::1", 5)
    error = StunMessage(MessageClass.ERROR)
    error.set_error(487, "Role Conflict")
    return [request.encode(agent.credentials.password.encode()), response.encode(b"secret"), error.encode()]


SEEDS = _seeds()


def target(data: bytes) -> None:
    packet_kind(data)
    agent.receive_datagram(data, "socket", ADDRESS, 0.0)
    agent.datagrams_to_send(0.0)
    if agent.state is IceState.FAILED:
        raise AssertionError("an unauthenticated packet must not fail the connection")
    message = parse_stun(data)
    str((message.mapped_address, message.error_code, message.integer(Attribute.PRIORITY)))


FUZZER = Fuzzer("stun", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()

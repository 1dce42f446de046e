from __future__ import annotations

import pytest

from livekit.webrtc.ice import Address
from livekit.webrtc.network.sockets import UnbatchedSocket, host_and_port


class RecordingSocket(UnbatchedSocket):
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address]] = []

    def send(self, data: bytes, address: Address) -> None:
        self.sent.append((data, address))


def test_unbatched_socket_sends_a_batch_one_by_one_in_order() -> None:
    unbatched = RecordingSocket()
    unbatched.send_batch([b"one", b"two"], ("192.0.2.1", 5))
    assert unbatched.sent == [(b"one", ("192.0.2.1", 5)), (b"two", ("192.0.2.1", 5))]


def test_unbatched_socket_must_implement_send() -> None:
    with pytest.raises(NotImplementedError):
        UnbatchedSocket().send(b"", ("192.0.2.1", 5))


def test_unbatched_socket_sends_probes_like_other_datagrams() -> None:
    unbatched = RecordingSocket()
    assert not unbatched.can_probe
    assert unbatched.send_probe(b"probe", ("192.0.2.1", 5))
    assert unbatched.sent == [(b"probe", ("192.0.2.1", 5))]


@pytest.mark.parametrize("name", [("::1", 5), ("::1", 5, 0, 3)])
def test_host_and_port_omits_flow_information_and_scope(name: tuple[str, int]) -> None:
    assert host_and_port(name) == ("::1", 5)

"""Binding of listening sockets."""

from __future__ import annotations

import contextlib
import socket

import pytest

from livekit.webrtc.network.listening import bind_tcp, is_unavailable
from tests.webrtc.network.inbox import LOOPBACK

ABSENT = "192.0.2.77"
"""An address that no host has (RFC 5737)."""


def test_all_addresses_have_one_port() -> None:
    with contextlib.ExitStack() as stack:
        bound = [stack.enter_context(one) for one in bind_tcp([LOOPBACK, ABSENT, "127.0.0.2"], 0)]
        assert [one.getsockname()[0] for one in bound] == [LOOPBACK, "127.0.0.2"]
        assert len({one.getsockname()[1] for one in bound}) == 1


def test_unavailable_addresses() -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked
        bind_tcp([ABSENT], 0)
    assert is_unavailable(caught.value)


def test_a_port_that_is_taken_on_one_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use") as caught:
            bind_tcp([LOOPBACK, "127.0.0.2"], port)
    assert not is_unavailable(caught.value)
    for one in bind_tcp([LOOPBACK, "127.0.0.2"], port):  # nothing is left over
        one.close()

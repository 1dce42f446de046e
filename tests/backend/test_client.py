"""Calls from a backend to participants, on the embedded server or that of LIVEKIT_URL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import aiohttp
import pytest

from livekit import Room, RpcError, RpcInvocationData
from livekit.backend import Backend, BackendRpcError, BackendTimeoutError, RecipientNotFoundError
from livekit.errors import AuthenticationError, NotLiveKitError, ServerUnreachableError
from livekit.rpc import RpcArgumentTypeError
from livekit.testing import RunningServer
from tests.support.rooms import Join

from .conftest import Perform, Server, performer

Code = RpcError.ErrorCode


@pytest.fixture
async def alice(join: Join) -> Room:
    """A participant with the methods `echo`, `fail` and `sleep`, which never responds."""
    room = await join("alice")

    @room.register_rpc_method("echo")
    def echo(data: RpcInvocationData) -> str:
        return data.payload

    @room.register_rpc_method("fail")
    def fail(data: RpcInvocationData) -> str:
        raise RpcError(2001, data.payload, '{"balance": 3}')

    @room.register_rpc_method("sleep")
    async def sleep(data: RpcInvocationData) -> str:
        await asyncio.sleep(3600)
        return ""

    return room


@pytest.mark.parametrize("payload", ["", "plain", '{"é": "😀\\u0000"}', "x" * 15_360])
async def test_response_is_returned(perform: Perform, alice: Room, room_name: str, payload: str) -> None:
    response = await perform(room=room_name, destination_identity="alice", method="echo", payload=payload)
    assert response == payload


async def test_error_of_the_handler_is_raised(perform: Perform, alice: Room, room_name: str) -> None:
    with pytest.raises(BackendRpcError) as caught:
        await perform(room=room_name, destination_identity="alice", method="fail", payload="no money: really")
    error = caught.value
    assert (error.code, error.message, error.data) == (2001, "no money: really", '{"balance": 3}')
    assert error.raw.endswith('RpcError 2001: no money: really: {"balance": 3}')


async def test_errors_of_the_embedded_server_are_exact(perform: Perform, alice: Room, room_name: str) -> None:
    if RunningServer.from_environment() is not None:
        pytest.skip("LiveKit servers only send the text")
    with pytest.raises(BackendRpcError) as caught:
        await perform(room=room_name, destination_identity="alice", method="fail", payload="a: {}: b")
    assert (caught.value.message, caught.value.data, caught.value.exact) == ("a: {}: b", '{"balance": 3}', True)


async def test_unsupported_method_raises(perform: Perform, alice: Room, room_name: str) -> None:
    with pytest.raises(BackendRpcError) as caught:
        await perform(room=room_name, destination_identity="alice", method="nothing", payload="")
    assert caught.value.code is Code.UNSUPPORTED_METHOD


async def test_missing_participant_raises(perform: Perform, alice: Room, room_name: str) -> None:
    with pytest.raises(RecipientNotFoundError) as caught:
        await perform(room=room_name, destination_identity="bob", method="echo", payload="")
    assert caught.value.code is Code.RECIPIENT_NOT_FOUND


async def test_missing_room_raises(perform: Perform) -> None:
    with pytest.raises(RecipientNotFoundError, match="no such room") as caught:
        await perform(room="nowhere", destination_identity="alice", method="echo", payload="")
    assert caught.value.code is Code.RECIPIENT_NOT_FOUND


async def test_handler_beyond_the_timeout_raises(perform: Perform, alice: Room, room_name: str) -> None:
    started = time.monotonic()
    with pytest.raises(BackendTimeoutError) as caught:
        await perform(room=room_name, destination_identity="alice", method="sleep", payload="", response_timeout=0.5)
    assert caught.value.code is Code.RESPONSE_TIMEOUT
    assert 0.4 < time.monotonic() - started < 5.0


async def test_payload_over_the_limit_raises(perform: Perform, alice: Room, room_name: str) -> None:
    with pytest.raises(BackendRpcError) as caught:
        await perform(room=room_name, destination_identity="alice", method="echo", payload="x" * 300_000)
    assert caught.value.code is Code.REQUEST_PAYLOAD_TOO_LARGE


async def test_wrong_secret_raises_authentication_error(server: Server, kind: str) -> None:
    perform = performer(kind, Backend(server.url, server.api_key, "not the secret" * 3))
    with pytest.raises(AuthenticationError, match="LIVEKIT_API_SECRET"):
        await perform(room="r", destination_identity="alice", method="echo", payload="")


async def test_unknown_key_raises_authentication_error(server: Server, kind: str) -> None:
    perform = performer(kind, Backend(server.url, "unknown", "secret" * 6))
    with pytest.raises(AuthenticationError, match="LIVEKIT_API_KEY"):
        await perform(room="r", destination_identity="alice", method="echo", payload="")


async def test_unreachable_server_raises(kind: str, no_leaks: None, unused_tcp_port: int) -> None:
    perform = performer(kind, Backend(f"ws://127.0.0.1:{unused_tcp_port}", "k", "s"))
    with pytest.raises(ServerUnreachableError, match=f"no connection to 127.0.0.1:{unused_tcp_port}"):
        await perform(room="r", destination_identity="alice", method="echo", payload="")


async def test_url_of_another_service_raises_not_livekit(server: Server, kind: str) -> None:
    perform = performer(kind, Backend(f"{server.url}/elsewhere", server.api_key, server.api_secret))
    with pytest.raises(NotLiveKitError):
        await perform(room="r", destination_identity="alice", method="echo", payload="")


@pytest.mark.parametrize(
    "wrong",
    [
        {"room": ""},
        {"destination_identity": ""},
        {"method": ""},
        {"response_timeout": 0},
        {"response_timeout": float("nan")},
        {"payload": "\ud800"},
    ],
)
async def test_invalid_values_raise_value_error(wrong: dict[str, object], kind: str) -> None:
    perform = performer(kind, Backend("ws://127.0.0.1:1", "k", "s"))
    arguments = {"room": "r", "destination_identity": "a", "method": "m", "payload": "", **wrong}
    with pytest.raises(ValueError, match="must|surrogates"):
        await perform(**arguments)


@pytest.mark.parametrize("wrong", [{"room": None}, {"payload": b"x"}, {"response_timeout": "5"}])
async def test_invalid_types_raise_type_error(wrong: dict[str, object], kind: str) -> None:
    perform = performer(kind, Backend("ws://127.0.0.1:1", "k", "s"))
    arguments = {"room": "r", "destination_identity": "a", "method": "m", "payload": "", **wrong}
    with pytest.raises(RpcArgumentTypeError, match="must be"):
        await perform(**arguments)


async def test_session_keeps_its_connection(server: Server, alice: Room, room_name: str) -> None:
    async with aiohttp.ClientSession() as session:
        backend = Backend(server.url, server.api_key, server.api_secret, session=session)
        for number in range(3):
            response = await backend.perform_rpc(
                room=room_name, destination_identity="alice", method="echo", payload=str(number)
            )
            assert response == str(number)
        assert not session.closed
        assert session.connector is not None
        assert len(session.connector._conns) == 1


async def test_many_threads_share_a_backend(backend: Backend, alice: Room, room_name: str) -> None:
    perform = performer("sync", backend)
    calls = [
        perform(room=room_name, destination_identity="alice", method="echo", payload=str(number))
        for number in range(20)
    ]
    assert await asyncio.gather(*calls) == [str(number) for number in range(20)]


async def test_cancellation_leaves_nothing_behind(backend: Backend, alice: Room, room_name: str) -> None:
    started = asyncio.Event()

    @alice.register_rpc_method("begin")
    async def begin(data: RpcInvocationData) -> str:
        started.set()
        await asyncio.sleep(3600)
        return ""

    call = asyncio.create_task(
        backend.perform_rpc(room=room_name, destination_identity="alice", method="begin", payload="")
    )
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_imports_are_deferred() -> None:
    """`import livekit` does not import livekit.backend, which does not import aiohttp"""
    script = """if True:
        import sys, livekit
        assert "livekit.backend" not in sys.modules
        import livekit.backend
        assert "aiohttp" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", script], check=True)


def test_url_is_normalised_to_http() -> None:
    assert Backend("wss://x.livekit.cloud", "k", "s").url == "https://x.livekit.cloud"
    with pytest.raises(ValueError, match="wss://"):
        Backend("x.livekit.cloud", "k", "s")


def test_the_http_client_is_loaded_before_the_first_call() -> None:
    """Importing it takes longer than some calls may."""
    program = (
        "import sys; from livekit.backend import Backend; assert 'aiohttp' not in sys.modules; "
        "Backend('http://127.0.0.1:1', 'key', 'secret'); assert 'aiohttp' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

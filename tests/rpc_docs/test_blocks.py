"""Every code block of the page works as documented, against a second participant."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from livekit import LocalParticipant, Room, RpcError, RpcHandler, RpcInvocationData
from tests.rpc_docs.conftest import ADMIN, LOCAL, REMOTE
from tests.rpc_docs.page import Namespace, block, block_names, docstring_examples
from tests.support.rooms import Join, listed

Call = Callable[..., Awaitable[str]]


async def call(caller: Room, method: str, payload: object) -> str:
    """Call a method of the page's `local`; a payload that is not text is sent as JSON."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return await caller.local_participant.perform_rpc(destination_identity=LOCAL, method=method, payload=text)


def answer(room: Room, method: str, *outcomes: str | RpcError) -> list[RpcInvocationData]:
    """Register a handler that returns or raises `outcomes` in order, repeating the last; return its calls."""
    calls: list[RpcInvocationData] = []

    async def handler(data: RpcInvocationData) -> str:
        calls.append(data)
        outcome = outcomes[min(len(calls), len(outcomes)) - 1]
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    room.local_participant.register_rpc_method(method, handler)
    return calls


def test_every_block_is_tested() -> None:
    tested = {
        "imports", "invocation-data", "rpc-error", "local-participant", "rpc-handler", "register-method", "perform-rpc",
        "error-handling", "structured-payload", "validation", "timeouts", "safe-call", "custom-codes", "typed-schemas",
        "retry",
    }  # fmt: skip
    assert set(block_names()) == tested


class TestRegisterMethod:
    async def test_answers(self, namespace: Namespace, remote: Room, capsys: pytest.CaptureFixture[str]) -> None:
        await block("register-method").run(namespace)
        assert json.loads(await call(remote, "calculate", {"a": 5, "b": 3})) == {"result": 8}
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"RPC from {REMOTE}"
        assert lines[1].startswith("Request ID: ")
        assert lines[2].startswith("Timeout: ")

    async def test_missing_parameters(self, namespace: Namespace, remote: Room) -> None:
        await block("register-method").run(namespace)
        with pytest.raises(RpcError, match="Missing parameters") as caught:
            await call(remote, "calculate", {"a": 5})
        assert caught.value.code is RpcError.ErrorCode.APPLICATION_ERROR
        assert caught.value.data == '{"required": ["a", "b"]}'


class TestPerformRpc:
    @pytest.mark.parametrize(
        ("outcome", "printed"),
        [
            ('{"result": 8}', ["Result: 8"]),
            (RpcError(1502, "late"), ["Request timed out"]),
            (RpcError(1500, "no", '{"x": 1}'), ["Application error: no", "Error details: {'x': 1}"]),
            (RpcError(2001, "custom"), ["RPC error 2001: custom"]),
        ],
    )
    async def test_prints_the_outcome(
        self, namespace: Namespace, remote: Room, outcome: str | RpcError, printed: list[str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        calls = answer(remote, "calculate", outcome)
        await block("perform-rpc").run(namespace)
        assert capsys.readouterr().out.splitlines() == printed
        assert [(data.caller_identity, json.loads(data.payload)) for data in calls] == [(LOCAL, {"a": 5, "b": 3})]

    async def test_unknown_method(self, namespace: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
        await block("perform-rpc").run(namespace)
        assert capsys.readouterr().out == "Method not implemented\n"

    async def test_unknown_identity(
        self, namespace: Namespace, join: Join, room_name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        alone = await join("alone", room=f"{room_name}-empty")
        await block("perform-rpc").run({**namespace, "local": alone.local_participant})
        assert capsys.readouterr().out == "Participant not in room\n"


class TestErrorHandling:
    async def test_divides(self, namespace: Namespace, remote: Room) -> None:
        await block("error-handling").run(namespace)
        assert json.loads(await call(remote, "divide", {"a": 6, "b": 4})) == {"success": True, "result": 1.5}

    @pytest.mark.parametrize(
        ("payload", "message", "data"),
        [
            ({"a": 1}, "Missing required parameters: a, b", {"provided": ["a"], "required": ["a", "b"]}),
            ({"a": 1, "b": 0}, "Division by zero", {"error_type": "math_error", "param": "b", "value": 0}),
            ("{", "Invalid JSON payload", None),
        ],
    )
    async def test_refuses(
        self, namespace: Namespace, remote: Room, payload: object, message: str, data: object
    ) -> None:
        await block("error-handling").run(namespace)
        with pytest.raises(RpcError) as caught:
            await call(remote, "divide", payload)
        error = caught.value
        assert (error.code, error.message) == (RpcError.ErrorCode.APPLICATION_ERROR, message)
        assert (json.loads(error.data) if error.data else None) == data


async def test_structured_payload(namespace: Namespace, remote: Room) -> None:
    calls = answer(remote, "calculate", "ok")
    await block("structured-payload").run(namespace)
    local = cast("LocalParticipant", namespace["local"])
    payload = cast("str", namespace["payload"])
    assert await local.perform_rpc(destination_identity=REMOTE, method="calculate", payload=payload) == "ok"
    sent = {"action": "calculate", "params": {"a": 5, "b": 3}, "options": {"precision": 2}}
    assert [json.loads(data.payload) for data in calls] == [sent]


class TestValidation:
    async def test_accepts(self, namespace: Namespace, remote: Room) -> None:
        await block("validation").run(namespace)
        assert json.loads(await call(remote, "process", {"input": "x", "format": "y"})) == {"status": "ok"}

    @pytest.mark.parametrize(
        ("payload", "message"),
        [("not json", "Invalid JSON"), ({"input": "x"}, "Missing parameters: format")],
    )
    async def test_refuses(self, namespace: Namespace, remote: Room, payload: object, message: str) -> None:
        await block("validation").run(namespace)
        with pytest.raises(RpcError) as caught:
            await call(remote, "process", payload)
        assert (caught.value.code, caught.value.message) == (1500, message)


async def test_timeouts(namespace: Namespace, remote: Room) -> None:
    pings = answer(remote, "ping", "pong")
    videos = answer(remote, "process_video", "done")
    await block("timeouts").run(namespace)
    assert namespace["result"] == "done"
    assert [data.payload for data in pings] == ["{}"]
    assert [json.loads(data.payload) for data in videos] == [{"video_id": "123"}]
    # The handler gets the remaining budget as its timeout.
    assert 1.0 < pings[0].response_timeout <= 2.0
    assert 29.0 < videos[0].response_timeout <= 30.0


class TestSafeCall:
    @pytest.mark.parametrize(
        ("outcome", "returned", "printed"),
        [
            ("fine", "fine", ""),
            (RpcError(1500, "no"), None, "App error: no\n"),
            (RpcError(1502, "late"), None, "Timeout\n"),
            (RpcError(1402, "big"), None, "Payload too large\n"),
            (RpcError(2000, "other"), None, "Unknown error: 2000\n"),
        ],
    )
    async def test_outcomes(
        self, namespace: Namespace, remote: Room, outcome: str | RpcError, returned: str | None, printed: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        answer(remote, "m", outcome)
        await block("safe-call").run(namespace)
        safe_rpc_call = cast("Call", namespace["safe_rpc_call"])
        assert await safe_rpc_call(namespace["local"], REMOTE, "m", "{}") == returned
        assert capsys.readouterr().out == printed

    async def test_unknown_method(self, namespace: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
        await block("safe-call").run(namespace)
        safe_rpc_call = cast("Call", namespace["safe_rpc_call"])
        assert await safe_rpc_call(namespace["local"], REMOTE, "unknown", "{}") is None
        assert capsys.readouterr().out == "Method not registered\n"

    async def test_unknown_identity(self, namespace: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
        await block("safe-call").run(namespace)
        safe_rpc_call = cast("Call", namespace["safe_rpc_call"])
        assert await safe_rpc_call(namespace["local"], "nobody", "m", "{}") is None
        assert capsys.readouterr().out == "Participant left\n"


class TestCustomCodes:
    async def test_refuses_a_guest(self, namespace: Namespace, remote: Room) -> None:
        await block("custom-codes").run(namespace)
        with pytest.raises(RpcError, match="Admin access required") as caught:
            await call(remote, "admin_action", "{}")
        assert caught.value.code == 2001
        assert json.loads(caught.value.data or "") == {"required_role": "admin", "user_role": "guest"}

    async def test_lets_an_admin(self, namespace: Namespace, join: Join) -> None:
        await block("custom-codes").run(namespace)
        admin = await join(ADMIN)
        await listed(admin, LOCAL)
        assert json.loads(await call(admin, "admin_action", "{}")) == {"status": "ok"}


class TestTypedSchemas:
    @pytest.mark.parametrize(("operation", "result"), [("add", 8), ("subtract", 4), ("multiply", 12), ("divide", 3)])
    async def test_calculates(self, namespace: Namespace, remote: Room, operation: str, result: float) -> None:
        await block("typed-schemas").run(namespace)
        response = await call(remote, "calculate_v2", {"a": 6, "b": 2, "operation": operation})
        assert json.loads(response) == {"result": result, "operation": operation}

    @pytest.mark.parametrize(
        ("operation", "message"), [("divide", "Division by zero"), ("power", "Invalid operation: power")]
    )
    async def test_refuses(self, namespace: Namespace, remote: Room, operation: str, message: str) -> None:
        await block("typed-schemas").run(namespace)
        with pytest.raises(RpcError) as caught:
            await call(remote, "calculate_v2", {"a": 6, "b": 0, "operation": operation})
        assert (caught.value.code, caught.value.message) == (1500, message)


class TestRetry:
    async def test_tries_again_after_a_timeout(
        self, namespace: Namespace, remote: Room, capsys: pytest.CaptureFixture[str]
    ) -> None:
        calls = answer(remote, "m", RpcError(1502, "late"), "fine")
        await block("retry").run(namespace)
        rpc_with_retry = cast("Call", namespace["rpc_with_retry"])
        assert await rpc_with_retry(namespace["local"], REMOTE, "m", "{}") == "fine"
        assert capsys.readouterr().out == "Retry 1/3 in 1s\n"
        assert len({data.request_id for data in calls}) == 2

    @pytest.mark.parametrize(("code", "tries"), [(1502, 1), (1500, 3)])
    async def test_gives_up(self, namespace: Namespace, remote: Room, code: int, tries: int) -> None:
        calls = answer(remote, "m", RpcError(code, "no"))
        await block("retry").run(namespace)
        rpc_with_retry = cast("Call", namespace["rpc_with_retry"])
        with pytest.raises(RpcError) as caught:
            await rpc_with_retry(namespace["local"], REMOTE, "m", "{}", max_retries=tries)
        assert caught.value.code == code
        assert len(calls) == 1


class TestDocstrings:
    """The examples in the page's docstrings."""

    async def test_rpc_error(self, namespace: Namespace) -> None:
        (example,) = docstring_examples(block("rpc-error"))
        with pytest.raises(RpcError, match="Division by zero") as caught:
            await example.run(namespace)
        assert json.loads(caught.value.data or "") == {"param": "denominator", "value": 0}

    async def test_local_participant(
        self, namespace: Namespace, remote: Room, join: Join, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer(await join("agent-123"), "calculate", '{"result": 8}')
        await listed(cast("Room", namespace["room"]), "agent-123")
        *before, unregister = docstring_examples(block("local-participant"))
        for example in before:
            await example.run(namespace)
        assert capsys.readouterr().out == "8\n"
        assert json.loads(await call(remote, "calculate", {"a": 1, "b": 2})) == {"result": 3}
        assert await call(remote, "method", "") == "response"

        await unregister.run(namespace)
        with pytest.raises(RpcError) as caught:
            await call(remote, "calculate", "{}")
        assert caught.value.code is RpcError.ErrorCode.UNSUPPORTED_METHOD

    async def test_rpc_handler(self, namespace: Namespace, remote: Room) -> None:
        local = cast("LocalParticipant", namespace["local"])
        examples = [example for example in docstring_examples(block("rpc-handler")) if "def " in example.source]
        assert len(examples) == 2
        for number, example in enumerate(examples):
            await example.run(namespace)
            local.register_rpc_method(f"handler-{number}", cast("RpcHandler", namespace["handler"]))
            assert await call(remote, f"handler-{number}", "") == "response"

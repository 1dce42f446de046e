"""Coroutines run from synchronous code leave no thread, socket, loop or task behind."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest

from livekit.backend import Backend
from livekit.backend.sync import run_sync
from livekit.errors import ServerUnreachableError


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    raise LookupError("no such thing")


def test_returns_the_result_without_a_loop() -> None:
    assert run_sync(double(21)) == 42


async def test_returns_the_result_beside_a_running_loop() -> None:
    assert run_sync(double(21)) == 42
    assert asyncio.get_running_loop().is_running()


def test_raises_the_error_of_the_coroutine() -> None:
    with pytest.raises(LookupError, match="no such thing"):
        run_sync(fail())


async def test_raises_the_error_of_the_coroutine_beside_a_running_loop() -> None:
    with pytest.raises(LookupError, match="no such thing"):
        run_sync(fail())


def test_keeps_the_event_loop_of_the_thread() -> None:
    """`asyncio.run` would reset it"""
    found: list[bool] = []

    def work() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        run_sync(double(1))
        found.append(asyncio.get_event_loop() is loop)
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


def test_cancels_tasks_that_the_coroutine_leaves_running() -> None:
    ended: list[str] = []

    async def child() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("child")

    async def parent() -> asyncio.Task[None]:
        task = asyncio.create_task(child())
        await asyncio.sleep(0)
        return task

    assert run_sync(parent()).cancelled()
    assert ended == ["child"]


def call_closed_port(port: int) -> None:
    with pytest.raises(ServerUnreachableError):
        Backend(f"ws://localhost:{port}", "k", "s").perform_rpc_sync(
            room="r", destination_identity="a", method="m", payload=""
        )


@pytest.mark.parametrize("beside_a_loop", [False, True])
def test_leaves_no_thread_socket_or_loop(beside_a_loop: bool, unused_tcp_port: int) -> None:
    async def run_beside() -> None:
        call_closed_port(unused_tcp_port)

    threads = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        if beside_a_loop:
            asyncio.run(run_beside())
        else:
            call_closed_port(unused_tcp_port)
        gc.collect()
    assert threading.active_count() == threads


SCRIPT = """
import asyncio, threading
from livekit.backend.sync import run_sync

async def wait():
    print("started", flush=True)
    try:
        await asyncio.sleep(3600)
    finally:
        print("cancelled", flush=True)

async def beside():
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # not asyncio's, which cancels the blocked task
    run_sync(wait())

try:
    {call}
except KeyboardInterrupt:
    print("interrupted", threading.active_count(), flush=True)
"""


@pytest.mark.parametrize("call", ["run_sync(wait())", "asyncio.run(beside())"])
def test_ctrl_c_cancels_the_coroutine(call: str) -> None:
    program = subprocess.Popen([sys.executable, "-c", SCRIPT.format(call=call)], stdout=subprocess.PIPE, text=True)
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "started\n"
        time.sleep(0.2)
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=10)
    assert out == "cancelled\ninterrupted 1\n"

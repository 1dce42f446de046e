"""The small examples, with an embedded server or the one at LIVEKIT_URL."""

from __future__ import annotations

import os
import signal
import sys

from livekit.server import DevServer
from tests.examples.test_demo import EXAMPLES
from tests.support.processes import SETTINGS, output_of, read_until, running


async def test_hello_prints_an_answer_and_an_error() -> None:
    code, out, err = await output_of(sys.executable, str(EXAMPLES / "hello.py"))
    assert (code, err) == (0, "")
    assert out.splitlines() == ["Hello world, called by bob!", "1500: whom?"]


async def test_call_reaches_serve() -> None:
    async with DevServer(port=0) as embedded:
        settings = {"LIVEKIT_URL": embedded.url, "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secret"}
        if "LIVEKIT_URL" in os.environ:
            settings = {name: os.environ[name] for name in SETTINGS}
        environment = {**settings, "PYTHONWARNINGS": "ignore"}  # PyJWT warns that the development secret is short
        async with running(sys.executable, str(EXAMPLES / "serve.py"), **environment) as serve:
            await read_until(serve, "Serving")
            code, out, err = await output_of(sys.executable, str(EXAMPLES / "call.py"), "you", **environment)
            assert (code, out, err) == (0, "Hello you!\n", "")
            serve.send_signal(signal.SIGINT)
            stdout, stderr = await serve.communicate()
            assert (serve.returncode, stderr) == (0, b"")
            assert stdout.decode() == "caller calls greet('you')\n"


async def test_call_without_a_callee_fails() -> None:
    async with DevServer(port=0) as server:
        settings = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secret"}
        code, out, err = await output_of(sys.executable, str(EXAMPLES / "call.py"), PYTHONWARNINGS="ignore", **settings)
    assert (code, out) == (1, "")
    assert err.startswith("1401: ")

"""The same calls over grpc.aio, directly between two processes, without a server in between and without encryption."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from typing import Any

import grpc
import grpc.aio

from .figures import many_at_once, one_at_a_time, say, text

METHOD = "/bench.Echo/Echo"
OPTIONS = [("grpc.max_receive_message_length", 8 << 20), ("grpc.max_send_message_length", 8 << 20)]


async def serve() -> None:
    async def echo(request: bytes, context: Any) -> bytes:
        return request

    server = grpc.aio.server(options=OPTIONS)
    handler = grpc.method_handlers_generic_handler("bench.Echo", {"Echo": grpc.unary_unary_rpc_method_handler(echo)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    say(port=port)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await server.stop(None)


async def measure(port: int, job: dict[str, Any]) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
        echo = channel.unary_unary(METHOD)
        for size, count in job.get("latency", {}).items():
            await one_at_a_time(int(size), count, partial(echo, text(int(size)).encode()))
        for width, count in job.get("throughput", {}).items():
            await many_at_once(int(width), count, partial(echo, text(100).encode()))


if __name__ == "__main__":
    if sys.argv[1] == "callee":
        asyncio.run(serve())
    else:
        asyncio.run(measure(int(sys.argv[2]), json.loads(sys.argv[3])))

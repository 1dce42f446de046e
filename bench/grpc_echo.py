"""The same calls over grpc.aio, directly between two processes: no server between them, no encryption."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import grpc
import grpc.aio
from figures import percentile, say, text

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
            payload = text(int(size)).encode()
            for _ in range(max(3, count // 20)):
                await echo(payload)
            taken: list[float] = []
            for _ in range(count):
                started = time.perf_counter()
                await echo(payload)
                taken.append((time.perf_counter() - started) * 1000)
            taken.sort()
            say(
                measure="latency",
                size=int(size),
                calls=count,
                p50=percentile(taken, 0.5),
                p99=percentile(taken, 0.99),
                max=taken[-1],
            )
        payload = text(100).encode()
        for width, count in job.get("throughput", {}).items():
            remaining = iter(range(count))

            async def keep_calling(remaining: Any = remaining) -> None:
                for _ in remaining:
                    await echo(payload)

            started, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(keep_calling() for _ in range(int(width))))
            seconds = time.perf_counter() - started
            say(
                measure="throughput",
                in_flight=int(width),
                calls=count,
                per_second=count / seconds,
                cpu_us=(time.process_time() - cpu) / count * 1e6,
            )


if __name__ == "__main__":
    if sys.argv[1] == "callee":
        asyncio.run(serve())
    else:
        asyncio.run(measure(int(sys.argv[2]), json.loads(sys.argv[3])))

"""The latency of the network itself: a bare datagram over four hops (caller, relay, callee, relay, caller)."""

from __future__ import annotations

import asyncio
import sys
import time

try:
    import uvloop
except ImportError:
    uvloop = None

from tools.measurements import percentile

from .figures import say


class Relay(asyncio.DatagramProtocol):
    """Forwards datagrams between the first two addresses that send any."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # the base names a wider type
        self.transport = transport
        self.sides: list[object] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self.sides:
            self.sides.append(addr)
        for side in self.sides:
            if side != addr:
                self.transport.sendto(data, side)


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # as above
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data != b"hello":
            self.transport.sendto(data)


class Caller(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # as above
        self.transport = transport
        self.answer: asyncio.Future[None] | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(None)


async def stay() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def main(role: str, port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    if role == "relay":
        transport, _ = await loop.create_datagram_endpoint(Relay, local_addr=("127.0.0.1", 0))
        say(port=transport.get_extra_info("sockname")[1])
        await stay()
    elif role == "callee":
        transport, _ = await loop.create_datagram_endpoint(Echo, remote_addr=("127.0.0.1", port))
        transport.sendto(b"hello")
        say(ready=True)
        await stay()
    else:
        transport, caller = await loop.create_datagram_endpoint(Caller, remote_addr=("127.0.0.1", port))
        taken: list[float] = []
        for _ in range(count):
            caller.answer = loop.create_future()
            started = time.perf_counter()
            transport.sendto(bytes(100))
            await asyncio.wait_for(caller.answer, 5)
            taken.append((time.perf_counter() - started) * 1000)
        taken.sort()
        say(
            measure="latency",
            size=100,
            calls=count,
            p50=percentile(taken, 0.5),
            p99=percentile(taken, 0.99),
            max=taken[-1],
        )
    transport.close()


if __name__ == "__main__":
    if uvloop is not None:
        uvloop.install()
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))

"""The CPU that servers use to forward audio, under a load of bare RTP: `python -m bench.media_server`.

Compares the embedded server with LiveKit's, whose path is in LIVEKIT_SERVER, in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from .media.servers import MediaServer, embedded, official, official_path, room_name
from .processes import program

ROOMS = ((1, 2), (10, 10))
"""Publishers and participants."""
WARM_UP = 3.0


async def measure(server: MediaServer, publishers: int, participants: int, seconds: float) -> dict[str, float]:
    """Return a server's CPU, packets and memory with participants that all hear the publishers."""
    room = room_name()
    tokens = json.dumps([server.token(f"p{number}", room) for number in range(participants)])
    async with program(sys.executable, "media_load", server.url, tokens, str(publishers)) as load:
        await load.read()
        await asyncio.sleep(WARM_UP)
        load.go_on()
        before, (cpu_before, _) = await load.read() or {}, server.usage()
        await asyncio.sleep(seconds)
        load.go_on()
        after, (cpu_after, rss) = await load.read() or {}, server.usage()
    received, sent = after["received"] - before["received"], after["sent"] - before["sent"]
    cpu = cpu_after - cpu_before
    return {
        "cpu_percent": 100 * cpu / seconds,
        "packets_out_per_second": received / seconds,
        "microseconds_per_packet_out": 1e6 * cpu / max(received, 1),
        "lost_percent": 100 * (1 - received / max(sent * (participants - 1), 1)),
        "rss_mib": rss / 1024,
    }


async def main(seconds: float, repetitions: int) -> None:
    path = official_path()
    for publishers, participants in ROOMS:
        for _ in range(repetitions):
            for start in (embedded(sys.executable), *([official(path)] if path else [])):
                async with start as server:
                    figures = await measure(server, publishers, participants, seconds)
                    text = "  ".join(f"{name}={value:.2f}" for name, value in figures.items())
                    print(f"{server.name}: {publishers} of {participants} publish: {text}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.media_server", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of each measurement (default: 20)")
    parser.add_argument("--repetitions", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.seconds, arguments.repetitions))

"""Finding what a test left behind."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass
from pathlib import Path

SETTLE = 10.0
"""Seconds that closing may take to finish in the background, also where the machine is busy."""
FDS = Path("/proc/self/fd")


@dataclass(frozen=True)
class Resources:
    """What is alive at one moment."""

    tasks: frozenset[asyncio.Task[object]]
    sockets: frozenset[str]
    threads: frozenset[str]

    @classmethod
    def now(cls) -> Resources:
        return cls(
            tasks=frozenset(task for task in asyncio.all_tasks() if not task.done()),
            sockets=frozenset(open_sockets()),
            # Threads of the loop's executor stay until the loop is closed.
            threads=frozenset(
                thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")
            ),
        )

    def new_since(self, before: Resources) -> list[str]:
        """Everything that was not there `before`, as text."""
        current = asyncio.current_task()
        tasks = [str(task) for task in self.tasks - before.tasks if task is not current]
        return [*tasks, *(self.sockets - before.sockets), *(self.threads - before.threads)]

    async def assert_restored(self) -> None:
        """Wait until only what was there before is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE
        while (left := Resources.now().new_since(self)) and loop.time() < deadline:  # noqa: ASYNC110  # nothing to wait for
            await asyncio.sleep(0.01)
        assert not left, "left behind: " + "\n".join(left)


def open_sockets() -> list[str]:
    """Each open socket's inode, where the system tells them; nothing elsewhere."""
    links: list[str] = []
    for entry in FDS.iterdir() if FDS.is_dir() else ():
        try:
            links.append(os.readlink(entry))
        except OSError:  # closed meanwhile
            continue
    return [link for link in links if link.startswith("socket:")]

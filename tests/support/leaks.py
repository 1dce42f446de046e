"""Detection of leaked tasks, sockets and threads."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass
from pathlib import Path

SETTLE = 10.0
"""Seconds that background closing may take, on a busy machine too."""
FDS = Path("/proc/self/fd")


@dataclass(frozen=True)
class Resources:
    """A snapshot of tasks, sockets and threads."""

    tasks: frozenset[asyncio.Task[object]]
    sockets: frozenset[str]
    threads: frozenset[str]

    @classmethod
    def now(cls) -> Resources:
        """Take a snapshot."""
        return cls(
            tasks=frozenset(task for task in asyncio.all_tasks() if not task.done()),
            sockets=frozenset(open_sockets()),
            # Threads of the loop's executor live until the loop is closed.
            threads=frozenset(
                thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")
            ),
        )

    def new_since(self, before: Resources) -> list[str]:
        """Return descriptions of the resources that `before` does not have."""
        current = asyncio.current_task()
        tasks = [str(task) for task in self.tasks - before.tasks if task is not current]
        return [*tasks, *(self.sockets - before.sockets), *(self.threads - before.threads)]

    async def assert_restored(self) -> None:
        """Wait until no resources are left but those of this snapshot. Raises AssertionError after `SETTLE` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE
        while (left := Resources.now().new_since(self)) and loop.time() < deadline:  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0.01)
        assert not left, "leaked: " + "\n".join(left)


def open_sockets() -> list[str]:
    """Return the inode of each open socket; empty on systems without /proc."""
    links: list[str] = []
    for entry in FDS.iterdir() if FDS.is_dir() else ():
        try:
            links.append(os.readlink(entry))
        except OSError:  # closed in the meantime
            continue
    return [link for link in links if link.startswith("socket:")]

"""Detection of exhausted resources: file descriptors, memory, threads."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator

__all__ = ["check_descriptors", "exhausted_errno", "exhausted_resource"]

_RESOURCES = {
    errno.EMFILE: "this process has no free file descriptors",
    errno.ENFILE: "this machine has no free file descriptors",
    errno.ENOMEM: "this machine has no free memory",
    errno.ENOBUFS: "the system has no buffer space for sockets",
}
MAX_CAUSES = 20
"""Causes of an exception that are examined."""


def exhausted_resource(error: BaseException) -> str | None:
    """Return which resource an exception reports as exhausted, and the remedy; None if it has another cause."""
    if isinstance(error, MemoryError):
        return _RESOURCES[errno.ENOMEM]
    number = exhausted_errno(error)
    if number is None:
        return None
    remedy = {
        errno.EMFILE: f" (its limit is {_descriptor_limit()}): close some, or raise the limit with `ulimit -n`",
        errno.ENFILE: ": close some, or raise the limit (fs.file-max)",
    }
    return _RESOURCES[number] + remedy.get(number, "")


def exhausted_errno(error: BaseException) -> int | None:
    """Return the error number of an exception, or of one of its causes, that means exhaustion.

    Name resolution and the loading of certificates fail with other errors if they cannot open a file. Therefore, if
    `error` has no such number, the process is checked for a free descriptor.
    """
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in _RESOURCES:
            return cause.errno
    if not isinstance(error, (OSError, ImportError)):
        return None
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as probe:
        return probe.errno if probe.errno in _RESOURCES else None
    return None


def check_descriptors(count: int) -> None:
    """Raise the OSError of opening `count` files if there are fewer free descriptors."""
    opened: list[int] = []
    try:
        for _ in range(count):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401  # closed even if a later one fails
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending and len(seen) < MAX_CAUSES:
        one = pending.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        yield one
        pending += [one.__cause__, one.__context__]


def _descriptor_limit() -> str:
    if sys.platform == "win32":
        return "set by the system"
    import resource

    return str(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

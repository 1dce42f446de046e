"""A process without free file descriptors."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Generator

SPARE = 64
"""Descriptors taken by `no_free_descriptors`: the limit is lowered to what is in use, so that these are enough."""


@contextlib.contextmanager
def no_free_descriptors() -> Generator[None]:
    """Use up all file descriptors of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.open(os.devnull, os.O_RDONLY)
    os.close(probe)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(probe + SPARE, soft), hard))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

"""Reports exhausted resources, such as file descriptors, as ResourceExhaustedError."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from livekit._util.exhaustion import exhausted_errno, exhausted_resource
from livekit.errors import ConnectError, ResourceExhaustedError

__all__ = ["exhaustion_reported"]


@contextlib.contextmanager
def exhaustion_reported(action: str) -> Generator[None]:
    """Turn errors of exhausted resources during `action` into ResourceExhaustedError; others pass."""
    try:
        yield
    except ConnectError:
        raise
    except (OSError, ImportError, MemoryError) as error:
        resource = exhausted_resource(error)
        if resource is None:
            raise
        raise ResourceExhaustedError(f"{action} failed: {resource}.", exhausted_errno(error)) from None

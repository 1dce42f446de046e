"""Isolation of observers: what only watches must not disturb what it watches."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import ParamSpec

__all__ = ["isolated"]

logger = logging.getLogger("livekit")

P = ParamSpec("P")


def isolated(observe: Callable[P, None], name: str) -> Callable[P, None]:
    """Return a function that calls `observe` and raises no `Exception`.

    The first one is logged as an error, later ones at debug level, because an observer that fails once tends to fail
    with each call. `name` is its name in the log.
    """
    has_failed = False

    def observe_safely(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal has_failed
        try:
            observe(*args, **kwargs)
        except Exception:
            level = logging.DEBUG if has_failed else logging.ERROR
            has_failed = True
            with contextlib.suppress(Exception):  # logging may be what fails
                logger.log(level, "%s failed; further failures are logged at debug level", name, exc_info=True)

    return observe_safely

"""`livekit.run` with and without uvloop."""

from __future__ import annotations

import asyncio
import sys

import pytest

from livekit._util.event_loop import run


async def loop_module() -> tuple[str, bool]:
    """Return the module of the running loop's class, and whether the loop is in debug mode."""
    loop = asyncio.get_running_loop()
    return type(loop).__module__.partition(".")[0], loop.get_debug()


@pytest.mark.parametrize("newest", [(3, 11), (3, 12)])
@pytest.mark.parametrize("debug", [False, True])
def test_run_uses_uvloop_where_installed(monkeypatch: pytest.MonkeyPatch, debug: bool, newest: tuple[int, int]) -> None:
    pytest.importorskip("uvloop", reason="not available on this platform")
    monkeypatch.setattr(sys, "version_info", min(sys.version_info, newest))
    assert run(loop_module(), debug=debug) == ("uvloop", debug)


@pytest.mark.parametrize("debug", [False, True])
def test_run_uses_asyncio_without_uvloop(monkeypatch: pytest.MonkeyPatch, debug: bool) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run(loop_module(), debug=debug) == ("asyncio", debug)


async def test_run_in_a_running_loop_raises() -> None:
    main = loop_module()
    with pytest.raises(RuntimeError, match="running event loop"):
        run(main)
    main.close()

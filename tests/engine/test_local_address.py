from __future__ import annotations

import asyncio

import pytest

from livekit.engine import local_address
from livekit.engine.local_address import LocalAddressMonitor, is_local


@pytest.mark.parametrize(
    ("name", "local"),
    [
        (("127.0.0.1", 1), True),
        (("0.0.0.0", 1), True),
        (("192.0.2.1", 1), False),  # RFC 5737: documentation only
        (("2001:db8::1", 1, 0, 0), False),  # RFC 3849
    ],
)
def test_is_local(name: tuple[str, int], local: bool) -> None:
    assert is_local(name) is local


async def test_lost_address_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_address, "POLL_INTERVAL", 0.01)
    reports: asyncio.Queue[str] = asyncio.Queue()
    monitors = [LocalAddressMonitor((host, 1), reports.put_nowait) for host in ("127.0.0.1", "192.0.2.1")]
    assert "192.0.2.1" in await asyncio.wait_for(reports.get(), 5)
    for monitor in monitors:
        monitor.stop()
    assert reports.empty()

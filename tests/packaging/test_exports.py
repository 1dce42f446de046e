"""What `livekit` exports is what it says it exports."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import livekit
from livekit import rtc

PROMISED = (
    "Room", "LocalParticipant", "RemoteParticipant", "RpcError", "RpcInvocationData", "RpcHandler", "ConnectError",
    "RoomOptions",
)  # fmt: skip
OTHER_DISTRIBUTIONS = {"api", "protocol", "agents", "plugins", "rtc"}


def own_modules() -> list[str]:
    """Every module of this package."""
    found = (module.name for module in pkgutil.walk_packages(livekit.__path__, "livekit."))
    return [name for name in found if name.split(".")[1] not in OTHER_DISTRIBUTIONS and name != "livekit.__main__"]


def test_promised_names_are_exported() -> None:
    assert set(PROMISED) <= set(livekit.__all__)


@pytest.mark.parametrize("name", livekit.__all__)
def test_name_exists_and_is_the_same_in_rtc(name: str) -> None:
    value = getattr(livekit, name)
    assert name in dir(livekit)
    assert getattr(rtc, name) is value


def test_all_is_sorted_and_has_no_duplicates() -> None:
    names = [name for name in livekit.__all__ if not name.startswith("_")]
    assert names == sorted(set(names))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(livekit, "nothing")  # noqa: B009  # a checker would refuse livekit.nothing


@pytest.mark.parametrize("name", own_modules())
def test_module_exports_what_it_says(name: str) -> None:
    module = importlib.import_module(name)
    missing = [export for export in getattr(module, "__all__", ()) if not hasattr(module, export)]
    assert not missing

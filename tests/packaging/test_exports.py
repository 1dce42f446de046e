"""The names that `livekit` and its modules export."""

from __future__ import annotations

import importlib
import pkgutil
import pydoc

import pytest

import livekit
from livekit import errors, rtc

ALL: list[str] = importlib.import_module("livekit").__all__
PROMISED = (
    "Room", "LocalParticipant", "RemoteParticipant", "RpcError", "RpcInvocationData", "RpcHandler", "ConnectError",
    "RoomOptions", "RpcOptions", "RecordOptions", "RpcOverloadedError", "detach_deadline", *errors.__all__,
)  # fmt: skip
OTHER_DISTRIBUTIONS = {"api", "protocol", "agents", "plugins", "rtc"}


def own_modules() -> list[str]:
    """Return the names of this package's modules."""
    found = (module.name for module in pkgutil.walk_packages(livekit.__path__, "livekit."))
    return [name for name in found if name.split(".")[1] not in OTHER_DISTRIBUTIONS and name != "livekit.__main__"]


def test_promised_names_are_exported() -> None:
    assert set(PROMISED) <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_name_exists_and_is_the_same_object_in_rtc(name: str) -> None:
    value = getattr(livekit, name)
    assert name in dir(livekit)
    assert getattr(rtc, name) is value


def test_all_is_sorted_and_has_no_duplicates() -> None:
    names = [name for name in ALL if not name.startswith("_")]
    assert names == sorted(set(names))


def test_pydoc_describes_the_package() -> None:
    assert "Room" in pydoc.render_doc(livekit)


def test_unknown_name_raises() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(livekit, "nothing")  # noqa: B009  # a checker would refuse livekit.nothing


@pytest.mark.parametrize("name", own_modules())
def test_module_has_the_names_in_its_all(name: str) -> None:
    module = importlib.import_module(name)
    missing = [export for export in getattr(module, "__all__", ()) if not hasattr(module, export)]
    assert not missing

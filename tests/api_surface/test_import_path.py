"""`livekit.rtc` and its submodules re-export the objects of `livekit`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from pathlib import Path

import pytest

from livekit import Room, RpcError, rtc
from livekit._util import coexistence
from livekit._util.coexistence import warn_of_official_rtc
from tests.support.processes import output_of

SUBMODULES = sorted(module.name for module in pkgutil.walk_packages(rtc.__path__, "livekit.rtc."))
STUBS = Path(coexistence.__file__).parents[1] / "rtc"
# Different objects in `livekit.rtc` and in its protobuf modules, as in the official SDK.
TWO_OBJECTS = {"ConnectionQuality", "DegradationPreference", "KeyProviderOptions", "RtcStats"}


def test_submodules_are_found() -> None:
    assert {"livekit.rtc.room", "livekit.rtc._proto.track_pb2", "livekit.rtc.jupyter"} <= set(SUBMODULES)


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodule_has_the_same_objects(name: str) -> None:
    module = importlib.import_module(name)
    for export in getattr(module, "__all__", ()):
        value = getattr(module, export)
        if export in TWO_OBJECTS and name.endswith("_pb2"):
            continue
        assert value is getattr(rtc, export, value), export


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodule_has_a_stub(name: str) -> None:
    path = STUBS.joinpath(*name.split(".")[2:])
    assert path.with_suffix(".pyi").is_file() or (path / "__init__.pyi").is_file()


def test_stub_folder_has_only_stubs() -> None:
    """No file can overwrite one of the official package's, which has `*_pb2.pyi` of its own."""
    names = [str(path.relative_to(STUBS)) for path in STUBS.rglob("*") if path.is_file()]
    assert all(name.endswith(".pyi") for name in names)
    assert not [name for name in names if name.endswith("_pb2.pyi")]


def test_submodules_are_attributes() -> None:
    assert rtc.room.proto_room.RoomInfo(name="x").name == "x"
    assert rtc.rpc.RpcError is RpcError
    with pytest.raises(AttributeError, match="nothing"):
        getattr(rtc, "nothing")  # noqa: B009  # a checker would refuse rtc.nothing


def test_dir_lists_all_exports() -> None:
    assert {*importlib.import_module("livekit").__all__, "__all__"} <= set(dir(rtc))
    assert dir(rtc) == sorted(set(dir(rtc)))


async def test_attribute_access_imports_a_submodule() -> None:
    program = (
        "import sys; from livekit import rtc; print('livekit.rtc.e2ee' in sys.modules, rtc.e2ee.KeyProvider.__name__)"
    )
    assert await output_of(sys.executable, "-c", program) == (0, "False KeyProvider\n", "")


def test_star_import() -> None:
    names: dict[str, object] = {}
    exec("from livekit.rtc import *", names)
    assert names["Room"] is Room


def test_official_package_in_the_same_folder_warns(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_official_rtc(tmp_path)
    (tmp_path / "rtc").mkdir()
    (tmp_path / "rtc" / "__init__.py").touch()
    with pytest.warns(RuntimeWarning, match="pip uninstall livekit"):
        warn_of_official_rtc(tmp_path)

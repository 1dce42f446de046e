from __future__ import annotations

import ctypes.util
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from livekit.errors import OpusNotFoundError
from livekit.media.codecs import libopus


def _none(_: str) -> None:
    return None


@pytest.fixture(autouse=True)
def _forget_the_library() -> Iterator[None]:
    libopus.load_opus.cache_clear()
    yield
    libopus.load_opus.cache_clear()


def test_the_extras_library_is_preferred() -> None:
    library = libopus.opus_library()
    assert "opuslib_next" in library.path
    assert library.version.startswith("libopus ")


def test_other_libraries_are_tried_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    extra = libopus.opus_library().path
    libopus.load_opus.cache_clear()
    broken = tmp_path / "libopus.so"
    broken.write_bytes(b"not a library")
    monkeypatch.setattr(importlib.util, "find_spec", _none)

    def find_library(_: str) -> str:
        return extra

    monkeypatch.setattr(ctypes.util, "find_library", find_library)
    assert libopus.opus_library().path == extra
    libopus.load_opus.cache_clear()
    monkeypatch.setattr(libopus, "_candidates", lambda: iter([str(broken), extra]))
    assert libopus.opus_library().path == extra


def test_without_a_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", _none)
    monkeypatch.setattr(ctypes.util, "find_library", _none)
    with pytest.raises(OpusNotFoundError, match=r"livekit-pure\[audio\]"):
        libopus.load_opus()


def test_a_library_without_the_functions_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libopus, "_candidates", lambda: iter([ctypes.util.find_library("c") or ""]))
    with pytest.raises(OpusNotFoundError):
        libopus.load_opus()

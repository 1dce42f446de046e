"""Finds and loads libopus: from the `audio` extra, from the system, or from PyAV.

The functions are called by ctypes, which releases the GIL. Of the variadic control functions, only the fixed arguments
have declared types: ctypes passes further ones as variadic, which some platforms require.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
from collections.abc import Iterator
from ctypes import POINTER, c_char_p, c_int, c_int16, c_int32, c_void_p
from pathlib import Path
from typing import NamedTuple

from livekit.errors import OpusNotFoundError

__all__ = ["OpusLibrary", "load_opus", "opus_library"]


class OpusLibrary(NamedTuple):
    """The libopus in use."""

    path: str
    version: str
    """As libopus reports it, for example "libopus 1.3.1"; "libopus unknown" from the `audio` extra."""


@functools.cache
def load_opus() -> tuple[ctypes.CDLL, OpusLibrary]:
    """Load the first libopus that is found.

    Raises:
        OpusNotFoundError: There is none.
    """
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            _declare(library)
        except (OSError, AttributeError):  # for another platform, or without a function
            continue
        version: bytes = library.opus_get_version_string()
        return library, OpusLibrary(path, version.decode())
    raise OpusNotFoundError


def opus_library() -> OpusLibrary:
    """Return the path and version of the libopus in use.

    Raises:
        OpusNotFoundError: There is none.
    """
    return load_opus()[1]


def _candidates() -> Iterator[str]:
    yield from _in_package("opuslib_next", "_native", "*opus*.*")
    if name := ctypes.util.find_library("opus"):
        yield name
    yield from _in_package("av", "../av.libs", "libopus*")
    yield from _in_package("av", ".dylibs", "libopus*")


def _in_package(package: str, folder: str, pattern: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield from (str(path) for path in sorted(Path(location, folder).glob(pattern)) if path.is_file())


def _declare(library: ctypes.CDLL) -> None:
    """Declare the types of the functions. Raises AttributeError if one is missing."""
    library.opus_get_version_string.restype = c_char_p
    library.opus_strerror.argtypes, library.opus_strerror.restype = [c_int], c_char_p
    library.opus_encoder_create.argtypes = [c_int32, c_int, c_int, POINTER(c_int)]
    library.opus_encoder_create.restype = c_void_p
    library.opus_encoder_destroy.argtypes, library.opus_encoder_destroy.restype = [c_void_p], None
    library.opus_encoder_ctl.argtypes = [c_void_p, c_int]
    library.opus_encode.argtypes = [c_void_p, c_char_p, c_int, c_char_p, c_int32]
    library.opus_encode.restype = c_int32
    library.opus_decoder_create.argtypes, library.opus_decoder_create.restype = (
        [c_int32, c_int, POINTER(c_int)],
        c_void_p,
    )
    library.opus_decoder_destroy.argtypes, library.opus_decoder_destroy.restype = [c_void_p], None
    library.opus_decode.argtypes = [c_void_p, c_char_p, c_int32, POINTER(c_int16), c_int, c_int]
    library.opus_decode.restype = c_int

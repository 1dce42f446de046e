"""Reads the claims of a token as livekit-server 1.13.5 does.

Names match in any case, null counts as absent, and invalid Unicode becomes U+FFFD.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn, TypeVar, cast

_T = TypeVar("_T")
_REPLACEMENT = "\ufffd"
_LAST_TIME = 2**53
"""Latest accepted time in seconds; later ones count as malformed."""


class InvalidClaimsError(ValueError):
    """The claims are not JSON, or one has the wrong type."""


class Claims:
    """A JSON object of a token. Its methods raise InvalidClaimsError for a value of the wrong type."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = {name.lower(): value for name, value in values.items() if value is not None}

    @classmethod
    def parse(cls, payload: bytes) -> Claims:
        """Parse the payload of a token."""
        try:
            values: object = json.loads(payload.decode(errors="replace"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise InvalidClaimsError("the claims are not JSON") from error
        if not isinstance(values, dict):
            raise InvalidClaimsError("the claims are not an object")
        return cls(cast("dict[str, object]", values))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str:
        """Return a claim of type string; empty if it is absent."""
        return _valid_text(self._value(name, str, ""))

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean claim."""
        return self._value(name, bool, default)

    def texts(self, name: str) -> list[str]:
        """Return a claim that is a list of strings; empty if it is absent."""
        empty: list[object] = []
        return [_valid_text(_checked(name, item, str, "")) for item in self._value(name, list, empty)]

    def mapping(self, name: str) -> Mapping[str, object]:
        """Return a claim that is an object, unchanged; empty if it is absent."""
        empty: dict[str, object] = {}
        return self._value(name, dict, empty)

    def object(self, name: str) -> Claims:
        """Return a claim that is an object of claims; empty if it is absent."""
        return Claims(self.mapping(name))

    def text_mapping(self, name: str) -> dict[str, str]:
        """Return a claim that is an object of strings; empty if it is absent."""
        pairs = self.mapping(name).items()
        return {_valid_text(key): _valid_text(_checked(name, value, str, "")) for key, value in pairs}

    def time(self, name: str) -> float | None:
        """Return a claim that is a number of seconds, which may be quoted; None if it is absent."""
        value = self._values.get(name.lower())
        if value is None:
            return None
        try:
            seconds = None if isinstance(value, bool) else float(cast("str", value))
        except (TypeError, ValueError, OverflowError):
            seconds = None
        if seconds is None or not abs(seconds) < _LAST_TIME:
            raise InvalidClaimsError(f"claim {name} must be a time in seconds")
        return seconds

    def _value(self, name: str, kind: type[_T], default: _T) -> _T:
        return _checked(name, self._values.get(name.lower()), kind, default)


def _checked(name: str, value: object, kind: type[_T], default: _T) -> _T:
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InvalidClaimsError(f"claim {name} must be of type {kind.__name__}")
    return value


def _valid_text(text: str) -> str:
    """Replace lone surrogates, which JSON can express."""
    return text if text.isascii() else "".join(_REPLACEMENT if "\ud800" <= c <= "\udfff" else c for c in text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

"""PortAudio, by the `sounddevice` library (the `devices` extra)."""

from __future__ import annotations

import importlib
import threading
from typing import Any

__all__ = ["DelayEstimator", "default_device", "devices", "load_sounddevice"]


def load_sounddevice() -> Any:
    """Return the `sounddevice` module.

    Raises:
        ImportError: It is not installed.
        OSError: It finds no PortAudio library.
    """
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise ImportError(
            "microphones and loudspeakers need the extra: `pip install 'livekit-pure[devices]'`"
        ) from error
    except OSError as error:
        raise OSError(f"{error}: install PortAudio, on Debian with `apt-get install libportaudio2`") from error


def devices(direction: str) -> list[dict[str, Any]]:
    """Return sounddevice's description of each device that has channels, with its index as `index`.

    Args:
        direction: "input" or "output".
    """
    found = enumerate(load_sounddevice().query_devices())
    return [{"index": index, **device} for index, device in found if device.get(f"max_{direction}_channels", 0) > 0]


def default_device(direction: str) -> int | None:
    """Return the index of the default device; None if there is none."""
    default = load_sounddevice().default.device
    try:
        index = int(default[direction == "output"])
    except (TypeError, IndexError):
        return None
    return index if index >= 0 else None


class DelayEstimator:
    """The delay of playing, in seconds, which PortAudio's thread of the output tells the one of the input."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._output_delay = 0.0

    def set_output_delay(self, delay_sec: float) -> None:
        """Note the delay of the block that is given to the output device now."""
        with self._lock:
            self._output_delay = float(delay_sec)

    def get_output_delay(self) -> float:
        """Return the delay noted last."""
        with self._lock:
            return self._output_delay

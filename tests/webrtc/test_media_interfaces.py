from __future__ import annotations

import pytest

from livekit.webrtc.media_interfaces import Direction


@pytest.mark.parametrize("direction", Direction)
def test_direction_is_made_of_its_properties(direction: Direction) -> None:
    assert Direction.of(sends=direction.sends, receives=direction.receives) is direction

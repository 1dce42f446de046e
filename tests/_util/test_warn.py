from __future__ import annotations

import pytest

from livekit import Room
from livekit._util.warn import warn_application


def test_warning_points_at_the_line_outside_the_package() -> None:
    with pytest.warns(UserWarning, match="look here") as caught:
        warn_application("look here")
    assert caught[0].filename == __file__


def test_misspelt_event_is_warned_about_where_it_is_registered() -> None:
    room = Room()
    with pytest.warns(UserWarning, match="'participant_conected'; did you mean 'participant_connected'") as caught:
        room.on("participant_conected", print)  # type: ignore[call-overload]
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="'data_received'"):
        room.once("data_recieved", print)  # type: ignore[call-overload]


def test_event_of_the_applications_own_is_not_warned_about() -> None:
    Room().on("my_game_over", print)  # type: ignore[call-overload]
    Room().on("message_received", print)  # type: ignore[call-overload]

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import livekit._util.warn as warn_module
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


@pytest.mark.parametrize("start", [asyncio.create_task, asyncio.gather])
def test_warning_of_a_coroutine_run_as_a_task_points_at_a_line_of_the_application(
    start: Callable[..., asyncio.Future[object]],
) -> None:
    async def main() -> None:
        await start(warn_in_package())

    # compiled as a module of this package: no frame of the application is below the task's
    namespace: dict[str, Any] = {"warn_application": warn_application}
    source = "async def warn_in_package(): warn_application('look here')"
    exec(compile(source, warn_module.__file__, "exec"), namespace)
    warn_in_package = namespace["warn_in_package"]
    with pytest.warns(UserWarning, match="look here") as caught:
        asyncio.run(main())
    assert caught[0].filename == __file__

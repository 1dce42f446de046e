#!/bin/sh
# uvloop 0.23.0: a callback that is due at a time between two milliseconds.
#
# Expected: as with asyncio, loop.call_at(when, …) never runs the callback while loop.time() < when.
# Seen: delays are rounded to whole milliseconds, to the nearest, so that about a third of the callbacks run up to 0.5 ms
# early by the loop's own clock. Code that compares loop.time() with the deadline in the callback, and sets the timer again
# because it is not due yet, wakes up two or three times for each deadline. asyncio's own loop runs none early.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: uvloop==0.23.0

"$folder/venv/bin/python" - <<'PY'
import asyncio

import uvloop


async def early_callbacks():
    """Return by how many milliseconds callbacks run before they are due; not those that are on time or late."""
    loop = asyncio.get_running_loop()
    early = []
    for number in range(200):
        due = loop.time() + 0.0105 + number * 1e-5
        ran = loop.create_future()
        loop.call_at(due, lambda: ran.set_result(loop.time()))
        remaining = due - await ran
        if remaining > 0:
            early.append(1e3 * remaining)
    return early


for name, new_loop in (("asyncio", asyncio.new_event_loop), ("uvloop", uvloop.new_event_loop)):
    loop = new_loop()
    early = loop.run_until_complete(early_callbacks())
    loop.close()
    print(f"{name}: {len(early)} of 200 early, by up to {max(early, default=0):.2f} ms")
    if name == "asyncio":
        assert not early
    else:
        assert len(early) >= 10 and 0.3 < max(early) <= 0.6
print("as described")
PY

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from livekit.server.telemetry.exposition import counter, gauge, render

LINE = re.compile(r'name\{label="((?:[^"\\\n]|\\["\\n])*)"\} (\S+)')
ESCAPES = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


def test_samples_are_rendered_in_prometheus_text_format() -> None:
    page = render(
        [
            counter("some_total", "What\nit is.", 3),
            gauge("other", "Of each.", ({"kind": "a", "way": "in"}, 1.5), ({"kind": "b", "way": "in"}, 2)),
            gauge("empty", "None."),
        ]
    )
    assert page.splitlines() == [
        r"# HELP some_total What\nit is.",
        "# TYPE some_total counter",
        "some_total 3",
        "# HELP other Of each.",
        "# TYPE other gauge",
        'other{kind="a",way="in"} 1.5',
        'other{kind="b",way="in"} 2',
        "# HELP empty None.",
        "# TYPE empty gauge",
    ]
    assert page.endswith("\n")


@given(st.text(), st.integers(-(2**53), 2**53) | st.floats(allow_nan=False))
def test_labels_are_escaped(label: str, value: float) -> None:
    line = render([gauge("name", "", ({"label": label}, value))]).split("\n", 2)[2].removesuffix("\n")
    found = LINE.fullmatch(line)
    assert found is not None
    assert re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], found[1]) == label
    assert float(found[2]) == value

"""A short run of the fuzz targets; `fuzz/` says how to run them longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from fuzz import fuzz_sdp, fuzz_stun, mutate

Target = tuple[Callable[[bytes], None], Sequence[bytes], tuple[type[Exception], ...]]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param((fuzz_sdp.target, fuzz_sdp.SEEDS, fuzz_sdp.ALLOWED), id="sdp"),
        pytest.param((fuzz_stun.target, fuzz_stun.SEEDS, fuzz_stun.ALLOWED), id="stun"),
    ],
)
def test_no_input_raises_what_is_not_allowed(target: Target) -> None:
    mutate.run(*target, count=3000, seed=1)


def test_a_failure_names_its_input() -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(AssertionError, match="input 1 of seed 9"):
        mutate.run(fail, [b"seed"], (ValueError,), count=10, seed=9)

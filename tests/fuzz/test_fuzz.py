"""A short run of each fuzz target, and what earlier ones found; `make fuzz` runs them longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import mutate
from fuzz.mutate import CORPUS, FailedInputError, Fuzzer, always
from fuzz.targets import FUZZERS


@pytest.mark.parametrize("name", FUZZERS)
def test_what_is_kept_raises_nothing(name: str) -> None:
    FUZZERS[name].replay()


@pytest.mark.parametrize("name", FUZZERS)
def test_changed_inputs_raise_what_is_allowed(name: str) -> None:
    assert FUZZERS[name].run(seed=1, count=500) == 500


def test_every_folder_of_the_corpus_has_a_target() -> None:
    kept = {path.name for path in CORPUS.iterdir()}
    assert kept <= set(FUZZERS)
    assert all(path.stat().st_size <= mutate.LONGEST_INPUT for path in CORPUS.rglob("*") if path.is_file())


def test_a_failure_names_its_input_which_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(mutate, "CORPUS", tmp_path)
    fuzzer = Fuzzer("failing", [b"seed"], (ValueError,), always(fail))
    with pytest.raises(FailedInputError, match="input 1 of seed 9") as caught:
        fuzzer.run(seed=9, count=10)
    assert fuzzer.keep(caught.value.data).parent == tmp_path / "failing"
    assert fuzzer.corpus == [caught.value.data]


def test_an_end_by_the_clock() -> None:
    fuzzer = Fuzzer("idle", [b"seed"], (), always(lambda data: None))
    assert fuzzer.run(seed=1, seconds=0.01) > 0

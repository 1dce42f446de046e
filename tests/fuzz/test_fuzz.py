"""A short run of each fuzz target and a replay of its corpus; `make fuzz` runs them longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import mutate
from fuzz.mutate import CORPUS, FailedInputError, Fuzzer, always
from fuzz.targets import FUZZERS


@pytest.mark.parametrize("name", FUZZERS)
def test_the_corpus_raises_no_unexpected_exception(name: str) -> None:
    FUZZERS[name].replay()


@pytest.mark.parametrize("name", FUZZERS)
def test_mutated_inputs_raise_only_allowed_exceptions(name: str) -> None:
    assert FUZZERS[name].run(seed=1, count=500) == 500


def test_every_corpus_folder_has_a_target() -> None:
    folders = {path.name for path in CORPUS.iterdir()}
    assert folders <= set(FUZZERS)
    assert all(path.stat().st_size <= mutate.LONGEST_INPUT for path in CORPUS.rglob("*") if path.is_file())


def test_a_failing_input_is_reported_and_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(mutate, "CORPUS", tmp_path)
    fuzzer = Fuzzer("failing", [b"seed"], (ValueError,), always(fail))
    with pytest.raises(FailedInputError, match="input 1 of seed 9") as caught:
        fuzzer.run(seed=9, count=10)
    assert fuzzer.keep(caught.value.data).parent == tmp_path / "failing"
    assert fuzzer.corpus == [caught.value.data]


def test_a_run_ends_after_its_seconds() -> None:
    fuzzer = Fuzzer("idle", [b"seed"], (), always(lambda data: None))
    assert fuzzer.run(seed=1, seconds=0.01) > 0

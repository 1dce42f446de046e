"""A small fuzzer: changes seeds at random, from a seed of its own, so that every failure can be repeated."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHANGES = 8
LONGEST_INSERTION = 64
LONGEST_INPUT = 64 * 1024
REPORT_EVERY = 100_000
MAX_MATERIAL = 1000
CORPUS = Path(__file__).parent / "corpus"
"""Inputs that are kept, in a folder for each target: they are tried with every run of the tests."""

Target = Callable[[bytes], None]


@dataclass(frozen=True)
class Fuzzer:
    """What is tried with what."""

    name: str
    seeds: Sequence[bytes]
    allowed: tuple[type[Exception], ...]
    """Anything else that the target raises is a bug."""
    open: Callable[[], contextlib.AbstractContextManager[Target]]
    """Makes the target, and cleans up after it."""

    @property
    def corpus(self) -> list[bytes]:
        """The inputs that are kept."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).glob("*"))]

    def replay(self) -> None:
        """Try the seeds and what is kept, as they are."""
        with self.open() as target:
            for data in (*self.seeds, *self.corpus):
                attempt(target, data, self.allowed, f"an input of {self.name}")

    def run(
        self,
        *,
        seed: int,
        count: int | None = None,
        seconds: float | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> int:
        """Try changed inputs, so many or for so long; how many they were."""
        until = None if seconds is None else time.monotonic() + seconds
        with self.open() as target:
            return run(
                target, [*self.seeds, *self.corpus], self.allowed, count=count, seed=seed, until=until, report=report
            )

    def main(self) -> None:
        """The command line of a target: COUNT inputs, or those of `--seconds`. What fails is kept in the corpus."""
        parser = argparse.ArgumentParser()
        parser.add_argument("count", nargs="?", type=int)
        parser.add_argument("seed", nargs="?", type=int, default=0)
        parser.add_argument("--seconds", type=float)
        args = parser.parse_args()
        try:
            tried = self.run(
                seed=args.seed, count=args.count, seconds=args.seconds, report=lambda line: print(line, flush=True)
            )
        except FailedInputError as failure:
            print(f"kept as {self.keep(failure.data)}", flush=True)
            raise
        print(f"{self.name}: {tried:,} inputs, nothing but what is allowed", flush=True)

    def keep(self, data: bytes) -> Path:
        """Put an input into the corpus."""
        path = CORPUS / self.name / hashlib.sha256(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


class FailedInputError(AssertionError):
    """An input raised what is not allowed, which is the cause."""

    def __init__(self, what: str, data: bytes) -> None:
        super().__init__(f"{what}: {data!r}")
        self.data = data


def always(target: Target) -> Callable[[], contextlib.AbstractContextManager[Target]]:
    """For targets that need no cleaning up."""
    return lambda: contextlib.nullcontext(target)


def attempt(target: Target, data: bytes, allowed: tuple[type[Exception], ...], what: str) -> bool:
    """Was the input understood? Raises FailedInputError."""
    try:
        target(data)
    except allowed:
        return False
    except Exception as error:
        raise FailedInputError(what, data) from error
    return True


def mutate(data: bytes, others: Sequence[bytes], randomness: random.Random) -> bytes:
    """A few random changes: bits, bytes, cuts, repetitions, and pieces of other seeds."""
    changed = bytearray(data)
    for _ in range(randomness.randint(1, CHANGES)):
        at = randomness.randint(0, len(changed))
        end = min(len(changed), at + randomness.randint(1, LONGEST_INSERTION))
        kind = randomness.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << randomness.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = randomness.randrange(256)
        elif kind == 2:
            del changed[at:end]
        elif kind == 3:
            changed[at:at] = changed[at:end]
        elif kind == 4:
            changed[at:at] = randomness.randbytes(end - at)
        else:
            other = randomness.choice(others)
            start = randomness.randint(0, len(other))
            changed[at:end] = other[start : start + LONGEST_INSERTION]
    return bytes(changed)


def run(
    target: Target,
    seeds: Sequence[bytes],
    allowed: tuple[type[Exception], ...],
    *,
    seed: int,
    count: int | None = None,
    until: float | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> int:
    """Try `count` inputs, or until the monotonic clock shows `until`; how many they were. Raises FailedInputError."""
    randomness = random.Random(seed)
    material = list(seeds)
    started = time.monotonic()
    for number in itertools.count():
        if number == count or (until is not None and time.monotonic() >= until):
            return number
        data = mutate(randomness.choice(material), material, randomness)[:LONGEST_INPUT]
        if attempt(target, data, allowed, f"input {number + 1} of seed {seed}") and len(material) < MAX_MATERIAL:
            material.append(data)  # what is understood makes better material than what is not
        if number and number % REPORT_EVERY == 0:
            report(f"{number:,} inputs in {time.monotonic() - started:.0f} s, {len(material)} to make more of")
    raise AssertionError("without end")

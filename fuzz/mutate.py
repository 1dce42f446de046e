"""A small mutation-based fuzzer; its own random seed makes every failure reproducible."""

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
"""Inputs that failed once, in a folder per target; every test run replays them."""

Target = Callable[[bytes], None]


@dataclass(frozen=True)
class Fuzzer:
    """A fuzz target with its seeds and allowed exceptions."""

    name: str
    seeds: Sequence[bytes]
    allowed: tuple[type[Exception], ...]
    """Exceptions that the target may raise; any other is a bug."""
    open: Callable[[], contextlib.AbstractContextManager[Target]]
    """Opens the target and cleans up after it."""

    @property
    def corpus(self) -> list[bytes]:
        """The inputs in the corpus."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).glob("*"))]

    def replay(self) -> None:
        """Run the target on the seeds and the corpus, unmodified."""
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
        """Run the target on `count` mutated inputs, or for `seconds`; return the number of inputs."""
        until = None if seconds is None else time.monotonic() + seconds
        with self.open() as target:
            return run(
                target, [*self.seeds, *self.corpus], self.allowed, count=count, seed=seed, until=until, report=report
            )

    def main(self) -> None:
        """Run the command line of a target: COUNT inputs, or `--seconds`. Failing inputs are added to the corpus."""
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
            print(f"saved as {self.keep(failure.data)}", flush=True)
            raise
        print(f"{self.name}: {tried:,} inputs, only allowed exceptions", flush=True)

    def keep(self, data: bytes) -> Path:
        """Add an input to the corpus and return its path."""
        path = CORPUS / self.name / hashlib.sha256(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


class FailedInputError(AssertionError):
    """An input raised an exception that is not allowed; it is the cause of this one."""

    def __init__(self, what: str, data: bytes) -> None:
        super().__init__(f"{what}: {data!r}")
        self.data = data


def always(target: Target) -> Callable[[], contextlib.AbstractContextManager[Target]]:
    """Return an opener for a target that needs no clean-up."""
    return lambda: contextlib.nullcontext(target)


def attempt(target: Target, data: bytes, allowed: tuple[type[Exception], ...], what: str) -> bool:
    """Run the target on an input; return True if it was accepted. Raises FailedInputError."""
    try:
        target(data)
    except allowed:
        return False
    except Exception as error:
        raise FailedInputError(what, data) from error
    return True


def mutate(data: bytes, others: Sequence[bytes], randomness: random.Random) -> bytes:
    """Mutate an input: flipped bits, changed bytes, deletions, repetitions, insertions, and splices of other inputs."""
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
    """Run `target` on `count` inputs, or until the monotonic clock shows `until`; return the number of inputs.

    Raises FailedInputError.
    """
    randomness = random.Random(seed)
    material = list(seeds)
    started = time.monotonic()
    for number in itertools.count():
        if number == count or (until is not None and time.monotonic() >= until):
            return number
        data = mutate(randomness.choice(material), material, randomness)[:LONGEST_INPUT]
        if attempt(target, data, allowed, f"input {number + 1} of seed {seed}") and len(material) < MAX_MATERIAL:
            material.append(data)  # accepted inputs are better material for mutation than rejected ones
        if number and number % REPORT_EVERY == 0:
            report(f"{number:,} inputs in {time.monotonic() - started:.0f} s, {len(material)} in the pool")
    raise AssertionError("unreachable")

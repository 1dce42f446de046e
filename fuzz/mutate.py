"""A small fuzzer: changes seeds at random, from a seed of its own, so that every failure can be repeated."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

CHANGES = 8
LONGEST_INSERTION = 64
REPORT_EVERY = 100_000


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
    target: Callable[[bytes], None],
    seeds: Sequence[bytes],
    allowed: tuple[type[Exception], ...],
    *,
    count: int,
    seed: int,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Try `count` inputs. Any exception but the allowed ones comes through, noted with its input."""
    randomness = random.Random(seed)
    corpus = list(seeds)
    started = time.monotonic()
    for number in range(1, count + 1):
        data = mutate(randomness.choice(corpus), corpus, randomness)
        try:
            target(data)
        except allowed:
            pass
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed}: {data!r}") from error
        else:
            # What is understood makes better material than what is not.
            if len(corpus) < 1000:
                corpus.append(data)
        if number % REPORT_EVERY == 0:
            report(f"{number:,} inputs in {time.monotonic() - started:.0f} s, {len(corpus)} in the corpus")


def main(target: Callable[[bytes], None], seeds: Sequence[bytes], allowed: tuple[type[Exception], ...]) -> None:
    """The command line of a target: COUNT inputs (10 million), from SEED (0)."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    run(target, seeds, allowed, count=count, seed=seed, report=lambda line: print(line, flush=True))

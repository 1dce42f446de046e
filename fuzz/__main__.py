"""Run the fuzz targets one after another: `python -m fuzz [--seconds 60] [--seed 0] [TARGET ...]`."""

from __future__ import annotations

import argparse
import logging
import sys

from fuzz.mutate import FailedInputError
from fuzz.targets import FUZZERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[*FUZZERS, []], help=", ".join(FUZZERS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # warnings about invalid input are expected
    failed: list[str] = []
    for name in args.targets or FUZZERS:
        try:
            tried = FUZZERS[name].run(seed=args.seed, seconds=args.seconds)
        except FailedInputError as failure:
            failed.append(name)
            print(f"{name}: {failure.__cause__!r}; {failure}, saved as {FUZZERS[name].keep(failure.data)}", flush=True)
        else:
            print(f"{name}: {tried:,} inputs", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

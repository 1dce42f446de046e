"""Check that each module of the protocol cores is fully covered by its own tests: `make coverage`.

A module ``src/livekit/a/b.py`` belongs to ``tests/a/test_b.py`` and ``tests/a/test_b_*.py``. A module without
its own tests must be covered by being imported: types, constants, protocols.

    python tools/own_coverage.py [PATH ...]      modules or folders under src/livekit; the default is CORES
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "livekit"
CORES = ("rpc", "streams", "webrtc")


def modules(names: list[str]) -> Iterator[Path]:
    """Yield the modules that `names` mean, each relative to `SOURCES`."""
    for name in names:
        path = SOURCES / name
        yield from (file.relative_to(SOURCES) for file in ([path] if path.suffix else sorted(path.rglob("*.py"))))


def own_tests(module: Path) -> list[str]:
    """Return the test files that belong to a module."""
    folder = ROOT / "tests" / module.parent
    return [str(path) for pattern in ("", "_*") for path in sorted(folder.glob(f"test_{module.stem}{pattern}.py"))]


def missing_lines(module: Path) -> list[int]:
    """Run the module's own tests and return the numbers of the lines that they do not execute.

    Raises CalledProcessError: a test fails.
    """
    tests = own_tests(module)
    dotted = ".".join(("livekit", *module.with_suffix("").parts)).removesuffix(".__init__")
    program = ["-m", "pytest", "-q", "-p", "no:randomly", *tests] if tests else [write_import(dotted)]
    with tempfile.TemporaryDirectory() as folder:
        data, report = f"--data-file={folder}/data", f"{folder}/report.json"
        run("run", data, f"--include={SOURCES / module}", *program)
        run("json", data, "-q", "-o", report)
        files = json.loads(Path(report).read_text())["files"]
    lines: list[int] = files[str((SOURCES / module).relative_to(ROOT))]["missing_lines"]
    return lines


def write_import(dotted: str) -> str:
    """Return the path of a program that does nothing but import a module."""
    path = Path(tempfile.gettempdir()) / "import_one_module.py"
    path.write_text(f"import importlib\nimportlib.import_module({dotted!r})\n")
    return str(path)


def run(*arguments: str) -> None:
    environment = {"COVERAGE_CORE": "sysmon", **os.environ}
    command = [sys.executable, "-m", "coverage", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
        raise subprocess.CalledProcessError(done.returncode, command)


def main() -> None:
    incomplete = 0
    for module in modules(sys.argv[1:] or list(CORES)):
        missing = missing_lines(module)
        if missing:
            incomplete += 1
            print(
                f"{module}: lines {', '.join(map(str, missing))} are not covered by {own_tests(module) or 'an import'}"
            )
    if incomplete:
        sys.exit(f"{incomplete} modules are not fully covered by their own tests")
    print("Each module is fully covered by its own tests.")


if __name__ == "__main__":
    main()

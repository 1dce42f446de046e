"""Create the project's virtual environments, each only when its inputs change.

Called by `tools/setup.sh`, which picks the Python. A stamp file in each environment holds a digest of its inputs; it is
written last, so that an interrupted set-up starts over. Uses only the standard library.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venvs"
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")
OLDEST_NODE = 20
JS_PEERS = ROOT / "tests" / "interop" / "js"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its path and its contents."""

    path: Path
    requirements: Path
    editable: bool = False
    """Install this project, in editable mode."""
    upgrade: bool = False
    """Upgrade to the newest versions at each set-up."""
    with_dependencies: bool = True
    """Let pip install the dependencies of the listed requirements."""
    python: str = sys.executable

    @property
    def bin(self) -> Path:
        return self.path / ("Scripts" if os.name == "nt" else "bin")


def run(*command: str | Path) -> None:
    """Run a command; exit with its output if it fails."""
    completed = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
    )
    if completed.returncode:
        sys.stderr.write(completed.stdout.decode(errors="replace"))
        sys.exit(f"Set-up failed: {' '.join(map(str, command))}")


def digest(*parts: object) -> str:
    """Return the SHA-256 of files (paths) and of other values as text."""
    texts = (part.read_text() if isinstance(part, Path) else str(part) for part in parts)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def once(stamp: Path, state: str, make: Callable[[], None]) -> None:
    """Call `make` unless the file `stamp` contains `state`; write it when `make` returns."""
    if stamp.is_file() and stamp.read_text() == state:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(state)


def make_environment(env: Environment) -> None:
    """Create, upgrade and install whatever has changed since the last set-up."""
    version = subprocess.run([env.python, "-VV"], capture_output=True, text=True, check=True).stdout
    state = digest(str(env.path), os.path.realpath(env.python), version, env.requirements)
    stamp = env.path / "made-from"

    def install(*arguments: str | Path) -> None:
        run(env.bin / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)

    def make() -> None:
        print(f"Making {env.path.relative_to(ROOT)} with {version.split('(')[0].strip()} ...", flush=True)
        run(env.python, "-m", "venv", "--clear", env.path)
        install(*(() if env.with_dependencies else ("--no-deps",)), "--requirement", env.requirements)

    once(stamp, state, make)
    if env.upgrade:
        install("--upgrade", "--upgrade-strategy", "eager", "--requirement", env.requirements)
    if env.editable:
        metadata = digest(state, ROOT / "pyproject.toml", ROOT / "src/livekit/_version.py")
        options = ("--no-deps", "--no-build-isolation", "--editable")
        once(env.path / "installed-from", metadata, lambda: install(*options, ROOT))


def link_typings(env: Environment) -> None:
    """Link the parts of `livekit` that live in site-packages into pyright's stub path."""
    (parent,) = env.path.glob("lib/python3*/site-packages/livekit")
    typings = VENVS / "typings" / "livekit"
    typings.mkdir(parents=True, exist_ok=True)
    for name in ("api", "protocol"):
        link = typings / name
        if not link.is_symlink() or link.readlink() != parent / name:
            link.unlink(missing_ok=True)
            link.symlink_to(parent / name)


def make_dev() -> None:
    env = Environment(ROOT / ".venv", ROOT / "requirements/dev.txt", editable=True)
    make_environment(env)
    link_typings(env)


def make_official() -> None:
    make_environment(Environment(VENVS / "official", ROOT / "requirements/official.txt"))


def make_agents() -> None:
    """Install livekit-agents, with this project in place of the official SDK that it requires."""
    make_environment(
        Environment(VENVS / "agents", ROOT / "requirements/agents.txt", editable=True, with_dependencies=False)
    )


def make_agents_official() -> None:
    make_environment(Environment(VENVS / "agents-official", ROOT / "requirements/agents-official.txt"))


def make_bench() -> None:
    make_environment(Environment(VENVS / "bench", ROOT / "requirements/bench.txt", editable=True))


def make_latest() -> None:
    make_environment(Environment(VENVS / "latest", ROOT / "requirements/latest.txt", upgrade=True))


def make_lowest() -> None:
    version, python = next(iter(find_pythons()))
    requirements = ROOT / "requirements/lowest.txt"
    if version != SUPPORTED[0]:
        print(f"Python {SUPPORTED[0]} not found: the lowest dependencies are tested with {version}.")
    make_environment(Environment(VENVS / "lowest", requirements, editable=True, python=python))


def make_matrix() -> None:
    """Create an environment for each supported Python that is installed."""
    for version, python in find_pythons():
        requirements = ROOT / "requirements/test.txt"
        make_environment(Environment(VENVS / f"python{version}", requirements, editable=True, python=python))


def find_pythons() -> Iterator[tuple[str, str]]:
    """Yield the version and interpreter of each supported Python that is installed, oldest first."""
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in SUPPORTED:
        for candidate in (f"python{version}", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True))):
            if shutil.which(candidate) is None:
                continue
            output = subprocess.run(
                [candidate, "-c", probe], capture_output=True, text=True, check=False
            ).stdout.split()
            if output[:1] == [version]:
                yield version, output[1]
                break


def make_node() -> None:
    """Install the JavaScript peers if Node.js is installed; otherwise the tests that need them are skipped."""
    npm, node = shutil.which("npm"), shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    if not npm or not version or int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        print(f"No Node.js {OLDEST_NODE} or newer with npm found: tests with JavaScript peers are skipped.")
        return

    def install() -> None:
        print("Installing the JavaScript peers ...", flush=True)
        run(npm, "ci", "--prefix", JS_PEERS, "--no-audit", "--no-fund")

    state = digest(version, JS_PEERS / "package.json", JS_PEERS / "package-lock.json")
    once(JS_PEERS / "node_modules.made-from", state, install)


ENVIRONMENTS: dict[str, Callable[[], None]] = {
    "dev": make_dev,
    "official": make_official,
    "agents": make_agents,
    "agents-official": make_agents_official,
    "bench": make_bench,
    "latest": make_latest,
    "lowest": make_lowest,
    "matrix": make_matrix,
    "node": make_node,
}


@contextmanager
def exclusive_lock() -> Generator[None]:
    """Serialize set-ups of the same checkout with a file lock."""
    VENVS.mkdir(exist_ok=True)
    with (VENVS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=ENVIRONMENTS, metavar="NAME", help=", ".join(ENVIRONMENTS))
    with exclusive_lock():
        for name in parser.parse_args().names:
            ENVIRONMENTS[name]()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Set-up interrupted; the next run repeats the unfinished steps.")

"""Make the virtual environments of this project, each once per state of its inputs.

Called by `tools/setup.sh`, which picks the Python. A stamp in each environment tells what it was made from; it is
written last, so that an interrupted run starts over. Only the standard library is used here.
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
OTHERS = ROOT / ".venvs"
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")
OLDEST_NODE = 20
JS_PEERS = ROOT / "tests" / "interop" / "js"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: where it is, what goes into it."""

    path: Path
    requirements: Path
    editable: bool = False
    """Whether this project itself is installed into it."""
    upgrade: bool = False
    """Whether the newest versions are asked for anew each time."""
    complete: bool = True
    """Whether pip may install what the requirements themselves require."""
    python: str = sys.executable

    @property
    def bin(self) -> Path:
        return self.path / ("Scripts" if os.name == "nt" else "bin")


def run(*command: str | Path) -> None:
    """Run a command, its output hidden unless it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        sys.exit(f"Set-up failed: {' '.join(map(str, command))}")


def digest(*parts: object) -> str:
    texts = (part.read_text() if isinstance(part, Path) else str(part) for part in parts)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def once(stamp: Path, state: str, make: Callable[[], None]) -> None:
    """Call `make` unless `stamp` says that it was done for this state."""
    if stamp.is_file() and stamp.read_text() == state:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(state)


def make_environment(env: Environment) -> None:
    version = subprocess.run([env.python, "-VV"], capture_output=True, text=True, check=True).stdout
    state = digest(str(env.path), os.path.realpath(env.python), version, env.requirements)
    stamp = env.path / "made-from"

    def install(*what: str | Path) -> None:
        run(env.bin / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)

    def make() -> None:
        print(f"Making {env.path.relative_to(ROOT)} with {version.split('(')[0].strip()} ...", flush=True)
        run(env.python, "-m", "venv", "--clear", env.path)
        install(*(() if env.complete else ("--no-deps",)), "--requirement", env.requirements)

    once(stamp, state, make)
    if env.upgrade:
        install("--upgrade", "--upgrade-strategy", "eager", "--requirement", env.requirements)
    if env.editable:
        metadata = digest(state, ROOT / "pyproject.toml", ROOT / "src/livekit/_version.py")
        options = ("--no-deps", "--no-build-isolation", "--editable")
        once(env.path / "installed-from", metadata, lambda: install(*options, ROOT))


def link_typings(env: Environment) -> None:
    """Show pyright the parts of `livekit` that live in site-packages, beside our own source tree."""
    (parent,) = env.path.glob("lib/python3*/site-packages/livekit")
    typings = OTHERS / "typings" / "livekit"
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
    make_environment(Environment(OTHERS / "official", ROOT / "requirements/official.txt"))


def make_agents() -> None:
    """livekit-agents with this project in the place of the official SDK, which it requires."""
    make_environment(Environment(OTHERS / "agents", ROOT / "requirements/agents.txt", editable=True, complete=False))


def make_bench() -> None:
    make_environment(Environment(OTHERS / "bench", ROOT / "requirements/bench.txt", editable=True))


def make_latest() -> None:
    make_environment(Environment(OTHERS / "latest", ROOT / "requirements/latest.txt", upgrade=True))


def make_lowest() -> None:
    version, python = next(iter(found_pythons()))
    requirements = ROOT / "requirements/lowest.txt"
    if version != SUPPORTED[0]:
        print(f"Python {SUPPORTED[0]} not found: the lowest dependencies are tested with {version}.")
    make_environment(Environment(OTHERS / "lowest", requirements, editable=True, python=python))


def make_matrix() -> None:
    """An environment per supported Python that is found."""
    for version, python in found_pythons():
        requirements = ROOT / "requirements/test.txt"
        make_environment(Environment(OTHERS / f"python{version}", requirements, editable=True, python=python))


def found_pythons() -> Iterator[tuple[str, str]]:
    """Each supported version that is installed, oldest first, with its interpreter."""
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in SUPPORTED:
        for candidate in (f"python{version}", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True))):
            if shutil.which(candidate) is None:
                continue
            answer = subprocess.run(
                [candidate, "-c", probe], capture_output=True, text=True, check=False
            ).stdout.split()
            if answer[:1] == [version]:
                yield version, answer[1]
                break


def make_node() -> None:
    """The JavaScript peers, where Node.js is installed; the tests that need them skip elsewhere."""
    npm, node = shutil.which("npm"), shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    if not npm or not version or int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        print(f"No Node.js {OLDEST_NODE} or newer with npm: tests with JavaScript peers are left out.")
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
    "bench": make_bench,
    "latest": make_latest,
    "lowest": make_lowest,
    "matrix": make_matrix,
    "node": make_node,
}


@contextmanager
def only_one() -> Generator[None]:
    """Wait for another set-up of the same checkout to end."""
    OTHERS.mkdir(exist_ok=True)
    with (OTHERS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=ENVIRONMENTS, metavar="NAME", help=", ".join(ENVIRONMENTS))
    with only_one():
        for name in parser.parse_args().names:
            ENVIRONMENTS[name]()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Set-up interrupted; the next run starts over where needed.")

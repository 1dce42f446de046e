"""The built wheel and sdist, installed into a clean environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from livekit import __version__

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "test.txt"

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]

IMPORTS = """
import json, sys
import livekit
import livekit.rtc
from livekit import Room, LocalParticipant, RemoteParticipant, RpcError, RpcInvocationData, RpcHandler
from livekit import ConnectError, RoomOptions
from livekit import rtc
import livekit.api, livekit.protocol.models
assert rtc.Room is Room and rtc.RpcError is RpcError
assert livekit.api.AccessToken and livekit.protocol.models.DataPacket
from livekit.server import DevServer
print(json.dumps({"version": livekit.__version__, "file": livekit.__file__}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command outside the source tree, so that it imports the installed package."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the sdist, and the wheel from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        folder,
        cwd=folder / sdist.name[: -len(".tar.gz")],
    )
    (wheel,) = folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


@pytest.fixture(scope="module")
def installed(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a new environment and return its `bin` folder."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder / "env", with_pip=True)
    commands = folder / "env" / "bin"
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(commands / "python", *pip, "--constraint", REQUIREMENTS, built["wheel"], cwd=folder)
    return commands


def test_wheel_has_every_file_of_the_package(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"livekit_pure-{__version__}.dist-info/METADATA").decode()
    package = ROOT / "src" / "livekit"
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert {name for name in names if name.startswith("livekit/")} == {
        path.relative_to(ROOT / "src").as_posix() for path in files
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert f"Version: {__version__}\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: >=3.10\n" in metadata


def test_sdist_has_the_tests_and_no_build_leftovers(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        names = archive.getnames()
    assert not [name for name in names if re.search(r"node_modules|__pycache__|/\.venv|\.pyc$", name)]
    assert any(name.endswith("/tests/conftest.py") for name in names)


def test_imports_without_warnings(installed: Path, tmp_path: Path) -> None:
    imported = json.loads(run(installed / "python", "-W", "error", "-c", IMPORTS, cwd=tmp_path))
    assert imported["version"] == __version__
    assert Path(imported["file"]).is_relative_to(installed.parent)


@pytest.mark.parametrize("command", [("livekit",), ("python", "-m", "livekit")])
def test_installed_command_runs(installed: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    program, *arguments = command
    assert "usage: livekit" in run(installed / program, *arguments, "--help", cwd=tmp_path)
    assert run(installed / program, *arguments, "--version", cwd=tmp_path) == f"livekit-pure {__version__}\n"


def test_requirements_are_consistent(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "python", "-m", "pip", "check", cwd=tmp_path) == "No broken requirements found.\n"

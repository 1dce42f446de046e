"""Compile src/livekit/_proto/*.proto into a descriptor set and type stubs.

Called by `make proto`. `tests/packaging/test_proto.py` asserts that the committed output is up to date.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "src" / "livekit" / "_proto"
DESCRIPTORS = "descriptors.binpb"


def compile_into(folder: Path) -> list[Path]:
    """Compile the .proto files into a folder with the layout of src/, and return the files written."""
    output = folder / "livekit" / "_proto"
    output.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", "--proto_path=src"),
        f"--plugin=protoc-gen-mypy={Path(sys.executable).with_name('protoc-gen-mypy')}",
        f"--mypy_out=quiet:{folder}",
        f"--descriptor_set_out={output / DESCRIPTORS}",
        *(path.relative_to(ROOT).as_posix() for path in sorted(PROTO.glob("*.proto"))),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    # The public enum of this name is a Python IntEnum, as in the official SDK, and must be accepted for the field.
    messages = output / "messages_pb2.pyi"
    messages.write_text(messages.read_text().replace("_enums_pb2.DegradationPreference.ValueType", "_builtins.int"))
    return sorted([output / DESCRIPTORS, *output.glob("*_pb2.pyi")])


if __name__ == "__main__":
    for path in compile_into(ROOT / "src"):
        print(path.relative_to(ROOT))

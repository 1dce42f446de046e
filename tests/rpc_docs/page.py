"""Runs the code blocks of the RPC page unchanged."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

BLOCKS = Path(__file__).parent / "blocks"
COMPLETE_EXAMPLE = Path(__file__).parents[2] / "examples" / "complete_example.py"

Namespace: TypeAlias = dict[str, object]


@dataclass(frozen=True)
class Code:
    """Source with top-level await, as in a notebook."""

    source: str
    name: str

    async def run(self, namespace: Namespace) -> Namespace:
        """Run the source in `namespace` and return it."""
        code = compile(self.source, self.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = eval(code, namespace)
        if inspect.isawaitable(result):
            await result
        return namespace


def block(name: str) -> Code:
    """Return a block by its file name without the number, such as `retry`."""
    (path,) = BLOCKS.glob(f"[0-9][0-9]-{name}.py")
    return Code(path.read_text(), str(path))


def block_names() -> list[str]:
    return sorted(path.stem[3:] for path in BLOCKS.glob("*.py"))


def docstring_examples(shown: Code) -> list[Code]:
    """Return the examples (`>>>`) in a block's docstrings, each to be run separately."""
    examples: list[str] = []
    for line in map(str.strip, shown.source.splitlines()):
        prompt, code = line[:3], line[4:]
        if prompt == ">>>":
            examples.append(code)
        elif prompt == "...":
            examples[-1] += f"\n{code}"
    return [Code(example, shown.name) for example in examples]

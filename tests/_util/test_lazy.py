"""Packages with lazy names export the same names to type checkers as at run time."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import livekit
import livekit.backend
import livekit.testing
from livekit._util import lazy

PACKAGES = [livekit, livekit.backend, livekit.testing]


def checked_imports(package: ModuleType) -> Iterator[ast.ImportFrom]:
    """Yield the imports under `if TYPE_CHECKING:`."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            yield from (node for node in statement.body if isinstance(node, ast.ImportFrom))


@pytest.mark.parametrize("package", PACKAGES)
def test_names_for_checkers_are_the_names_at_run_time(package: ModuleType) -> None:
    names = [alias.asname for node in checked_imports(package) for alias in node.names]
    assert sorted(filter(None, names)) == package.__all__


@pytest.mark.parametrize("package", PACKAGES)
def test_names_for_checkers_are_the_objects_at_run_time(package: ModuleType) -> None:
    for node in checked_imports(package):
        home = import_module(f".{node.module or ''}".rstrip("."), package.__name__) if node.module else package
        for alias in node.names:
            assert getattr(package, alias.name) is getattr(home, alias.name), alias.name


@pytest.mark.parametrize("package", PACKAGES)
def test_star_import_and_dir_have_every_name(package: ModuleType) -> None:
    names: dict[str, object] = {}
    exec(f"from {package.__name__} import *", names)
    assert set(package.__all__) <= set(names)
    assert set(package.__all__) <= set(dir(package))


def test_name_is_looked_up_once_and_unknown_names_raise() -> None:
    module = sys.modules["lazy_package"] = ModuleType("lazy_package")
    inner = sys.modules["lazy_package.inner"] = ModuleType("lazy_package.inner")
    try:
        inner.value = object()  # type: ignore[attr-defined]  # a module made here
        getattribute, directory, public = lazy.attach("lazy_package", {"inner": ["value"]}, submodules=["inner"])
        assert getattribute("value") is vars(module)["value"] is vars(inner)["value"]
        assert getattribute("inner") is inner
        assert public == ["inner", "value"]
        assert set(public) <= set(directory())
        with pytest.raises(AttributeError, match="'lazy_package' has no attribute 'nothing'"):
            getattribute("nothing")
    finally:
        del sys.modules["lazy_package"], sys.modules["lazy_package.inner"]


def test_import_loads_no_submodule_and_no_dependency() -> None:
    program = "import sys, livekit; print(*sorted(n for n in sys.modules if n.startswith(('livekit', 'google'))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["livekit", "livekit._util", "livekit._util.coexistence", "livekit._util.lazy"]

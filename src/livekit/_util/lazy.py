"""Public names of a package that load on first use (PEP 562).

A package lists its names for type checkers as imports under ``TYPE_CHECKING``, and calls `attach` at run time. A test
(``tests/_util/test_lazy.py``) compares the two lists.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

__all__ = ["attach"]


def attach(
    package: str, exports: Mapping[str, Iterable[str]], *, submodules: Iterable[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return the `__getattr__`, `__dir__` and `__all__` of a package.

    A name is imported once: it becomes an attribute of the package, so later lookups cost nothing.

    Args:
        package: The package's `__name__`.
        exports: Public names by the submodule that defines them, relative to the package.
        submodules: Submodules that are public names themselves.
    """
    module_names = {name: f"{package}.{module}" for module, names in exports.items() for name in names}
    modules = frozenset(submodules)
    public = sorted({*module_names, *modules})

    def __getattr__(name: str) -> object:  # noqa: N807 - the module's
        if name in modules:
            return import_module(f"{package}.{name}")
        if name not in module_names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(module_names[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807 - the module's
        return sorted({*vars(sys.modules[package]), *public})

    return __getattr__, __dir__, public

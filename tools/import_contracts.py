"""The import-linter contract "acyclic": no circle of modules, imports for type checkers included."""

from __future__ import annotations

import graphlib

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output


class AcyclicContract(Contract):
    """Forbids import circles among modules.

    import-linter's own "acyclic_siblings" compares whole packages; this one compares files.
    """

    type_name = "acyclic"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Sort the modules by their imports, which fails on a circle."""
        roots = set(self.session_options["root_packages"])
        # Imports of livekit.protocol, another distribution, look like imports of the root package.
        imports = {module: graph.find_modules_directly_imported_by(module) - roots for module in graph.modules}
        try:
            graphlib.TopologicalSorter(imports).prepare()
        except graphlib.CycleError as error:
            return ContractCheck(kept=False, metadata={"circle": error.args[1]})
        return ContractCheck(kept=True)

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one circle: each module imports the one before it."""
        output.print_error("A circle, each module imported by the next: " + " ← ".join(check.metadata["circle"]))

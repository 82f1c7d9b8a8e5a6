"""Search parameters that somebody added, for the naive twin: looked up anew each time, in force at once."""

from __future__ import annotations

from minkang.fhir import custom_parameters as custom
from minkang.fhir.problem import Problem
from minkang.fhir.search.parameters import Added, SearchParameter
from minkang.store.memory.rows import Rows


class MemoryParameters:
    """Implements `fhir.search.parameters.Adding`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @property
    def added(self) -> Added:
        ready: dict[str, dict[str, SearchParameter]] = {}
        waiting: dict[tuple[str, str], str] = {}
        for row in self._rows.living():
            if row.stored.type == "SearchParameter" and row.tree is not None and custom.is_in_force(row.tree):
                try:
                    for one in custom.compiled(row.tree, row.serial + 1):
                        ready.setdefault(one.base, {})[one.code] = one
                except Problem as problem:
                    for base in row.tree["base"]:
                        waiting[base, row.tree["code"]] = f"SearchParameter/{row.stored.id} was refused: {problem}"
        return Added(ready, waiting)

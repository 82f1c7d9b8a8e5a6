"""The naive twin of the record store: the whole contract with lists and loops, so slow that it can be read aloud.

It exists to keep the fast store honest. It shares with it what is a rule of FHIR (the grammar of a search, how two
values match, which types belong to a person) and nothing else: search values are taken out of a resource by FHIRPath
from the definitions (`fhir/path.py`), never by the compiled extractors or by `store/index.py`, so that the generative
test can find faults of either. Programmes test their actions on it, too.

    rows.py         what is kept: every version of every resource, in the order of writing
    repository.py   the door: every method of `store/contract.py`
    writing.py      create, update, patch, delete: one resource at a time
    searching.py    a query against every row, sorting, pages, includes
    matching.py     one clause against one resource
    transaction.py  many writes or none
    everything.py   all there is about one patient
    export.py       everything as it was at one moment
"""

from minkang.store.memory.repository import MemoryRepository, MemoryStore

__all__ = ["MemoryRepository", "MemoryStore"]

"""Every chapter of the specification, by the name of its page."""

from __future__ import annotations

from tests.spec.access import scope
from tests.spec.interactions import conditional, crud, everything, history, transaction
from tests.spec.language import Chapter
from tests.spec.search import (
    any_type,
    chain,
    compartment,
    composite,
    date,
    include,
    lists,
    name,
    near,
    number,
    paging,
    quantity,
    reference,
    sort,
    string,
    text,
    token,
    uri,
    value_set,
)

CHAPTERS: dict[str, Chapter] = {
    "crud": crud.CHAPTER,
    "conditional": conditional.CHAPTER,
    "history": history.CHAPTER,
    "transaction": transaction.CHAPTER,
    "search-token": token.CHAPTER,
    "search-reference": reference.CHAPTER,
    "search-chain": chain.CHAPTER,
    "search-composite": composite.CHAPTER,
    "search-string": string.CHAPTER,
    "search-name": name.CHAPTER,
    "search-date": date.CHAPTER,
    "search-number": number.CHAPTER,
    "search-quantity": quantity.CHAPTER,
    "search-uri": uri.CHAPTER,
    "search-text": text.CHAPTER,
    "search-near": near.CHAPTER,
    "search-value-set": value_set.CHAPTER,
    "search-list": lists.CHAPTER,
    "search-any-type": any_type.CHAPTER,
    "sort": sort.CHAPTER,
    "paging": paging.CHAPTER,
    "include": include.CHAPTER,
    "compartment": compartment.CHAPTER,
    "everything": everything.CHAPTER,
    "scope": scope.CHAPTER,
}

"""`minkang identity evaluate` and `train`: how well registrations are matched, and weights from a population."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from minkang.app.progress import counted
from minkang.fhir.resource import Resource
from minkang.kit.trouble import Trouble
from minkang.platform.identity.comparing import FIELDS, Level
from minkang.platform.identity.evaluating import Outcome, candidates, evaluated, trained
from minkang.platform.identity.person import Person, person_of
from minkang.platform.identity.scoring import Weights, standard

SYSTEM = "urn:x-minkang:truth"
"""Of the identifier that says in a file whose registration it is; matching never sees it."""


def evaluate(file: Path | None, *, size: int, seed: int) -> Outcome:
    """On invented registrations of a Chinese city, or on Patients of a file (NDJSON). Prints, and gives the outcome of
    weights learned from them."""
    began = time.monotonic()
    people, truth = _read(file) if file is not None else _invented(size, seed)
    pairs = candidates(people)
    weights = {"standard": standard(), "learned": trained(people, pairs, standard(), version="learned")}
    found = {name: evaluated(people, truth, one) for name, one in weights.items()}
    table = Table("Weights", "Pairs", "Linked", "Precision", "Recall", "F1", "To people", "… of one person")
    for name, one in found.items():
        shares = (f"{share:.4f}" for share in (one.precision, one.recall, one.f1))
        counts = (f"{one.truth:,}", f"{one.linked:,}", *shares, f"{one.review:,}", f"{one.review_right:,}")
        table.add_row(name, *counts)
    console = Console(highlight=False)
    console.print(table)
    share = found["learned"].covered / max(found["learned"].truth, 1)
    console.print(
        f"{len(people):,} registrations, {found['learned'].candidates:,} pairs compared ({share:.1%} of the true ones)"
        f" in {time.monotonic() - began:.1f} s. Pairs through others count as linked."
    )
    return found["learned"]


def train(file: Path, *, out: Path, version: str) -> None:
    """Weights of the Patients of a file, whose truth nobody needs, as a file like `weights.toml`."""
    people = [person_of(tree) for tree in _patients(file)]
    if len(people) < 2:
        raise Trouble(f"{file} holds fewer than two Patients.")
    out.write_text(written(trained(people, candidates(people), standard(), version=version)), "utf-8")
    Console(highlight=False, soft_wrap=True).print(f"{out}: learned from {len(people):,} registrations.")


def written(weights: Weights) -> str:
    """As `scoring.weights_from` reads it."""
    lines = [f'version = "{weights.version}"', f"population = {weights.population}"]
    lines += [f"{name} = {getattr(weights, name):.6g}" for name in ("share", "link", "review", "usual", "household")]
    for which, shares in (("m", weights.m), ("u", weights.u)):
        for name in FIELDS:
            lines += ["", f"[{which}.{name}]"]
            lines += [
                f"{Level(level).name} = {share:.8f}" for level, share in sorted(shares[name].items(), reverse=True)
            ]
    lines += ["", "[names]", *(f"{orjson.dumps(name).decode()} = {share:.3f}" for name, share in weights.names.items())]
    return "\n".join([*lines, ""])


def _invented(size: int, seed: int) -> tuple[list[Person], dict[int, int]]:
    from synth.registrations import registrations

    people: list[Person] = []
    truth: dict[int, int] = {}
    with counted("inventing") as progress:
        for place, one in enumerate(registrations(size, seed)):
            people.append(person_of(one.patient))
            truth[place] = one.person
            if place % 1000 == 0:
                progress(place, place / size)
    return people, truth


def _read(file: Path) -> tuple[list[Person], dict[int, int]]:
    people: list[Person] = []
    names: dict[str, int] = {}
    truth: dict[int, int] = {}
    for tree in _patients(file):
        told = [one["value"] for one in tree.get("identifier", ()) if one.get("system") == SYSTEM]
        if len(told) != 1:
            raise Trouble(
                f"{file}: each Patient needs one identifier of {SYSTEM}, which says whose registration it is."
            )
        truth[len(people)] = names.setdefault(told[0], len(names))
        others = [one for one in tree["identifier"] if one.get("system") != SYSTEM]
        people.append(person_of(tree | {"identifier": others}))
    return people, truth


def _patients(file: Path) -> Iterable[Resource]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                tree = orjson.loads(line)
                if not isinstance(tree, dict) or tree.get("resourceType") != "Patient":
                    raise Trouble(f"{file}:{number} is no Patient.")
                yield tree
    except (OSError, ValueError) as error:
        raise Trouble(f"{file} cannot be read: {error}.") from None

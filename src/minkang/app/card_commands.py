"""`minkang cards`: the keys of codes lie in `keys/cards`, one PEM each; the newest signs."""

from __future__ import annotations

import hmac
import os
import re
from pathlib import Path

import orjson
from rich.console import Console

from minkang.app.exporting import OPERATOR
from minkang.app.in_store import in_store
from minkang.fhir.problem import Problem
from minkang.kit import clock
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.cards.codes import Issuer, Keys, verified
from minkang.platform.cards.desk import Card, CardDesk
from minkang.platform.cards.number import LocalNumbering
from minkang.platform.cards.sm2 import Signer, generate
from minkang.store.store import Store


def new_key(settings: Settings, name: str) -> None:
    if not re.fullmatch(r"[a-z0-9\-]{1,20}", name):
        raise Trouble("A key's name has 1 to 20 small letters, digits or hyphens.")
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(folder / f"{name}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Trouble(f"There is a key {name} already: choose another name.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(generate())
    _say(f"Key {name} signs from now on. Give terminals what `minkang cards keys` tells.")


def keys(settings: Settings) -> None:
    _say(orjson.dumps({name: one.public.decode() for name, one in _signers(settings).items()}).decode())


def issue(settings: Settings, file: Path) -> None:
    if not file.is_file():
        raise Trouble(f"{file} is not there.")
    people: list[tuple[str, str]] = []
    for at, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        words = line.split()
        if len(words) != 2:
            raise Trouble(f"Line {at} does not hold a kind and a number, such as: resident-id 3801...")
        people.append((words[0], words[1]))

    async def work(store: Store) -> list[Card]:
        return await _desk(store).issue(people, OPERATOR.reference)

    for one in in_store(settings, work):
        _say(one.card)


def code(settings: Settings, card: str, *, static: bool) -> None:
    name, signer = list(_signers(settings).items())[-1]
    issuer = Issuer(name, signer)
    _say(in_store(settings, lambda store: _desk(store).code(card, issuer, clock.now(), static=static)))


def set_state(settings: Settings, card: str, state: str) -> None:
    async def work(store: Store) -> Card:
        desk = _desk(store)
        if state == "reissued":
            return await desk.reissue(card, OPERATOR.reference)
        return await desk.set_state(card, state, OPERATOR.reference)

    found = in_store(settings, work)
    _say(f"{found.card} is {found.state}, edition {found.edition}.")


def verify(text: str, file: Path) -> bool:
    """Prints the verdict; whether the code is genuine."""
    try:
        known = Keys.read(orjson.loads(file.read_bytes()))
    except (OSError, ValueError, AttributeError, Problem) as error:
        raise Trouble(f"{file} holds no keys ({error}); `minkang cards keys` tells them.") from None
    verdict = verified(text, known, clock.now())
    _say(verdict.outcome if verdict.code is None else f"{verdict.outcome} {verdict.code.card}")
    return verdict.outcome == "genuine"


def _desk(store: Store) -> CardDesk:
    """Its key is made of the store's, so that every backup holds it."""
    return CardDesk(store.database, LocalNumbering(hmac.digest(store.keys.terms, b"health cards", "sha256")))


def _signers(settings: Settings) -> dict[str, Signer]:
    """By name, the newest last."""
    files = sorted(_folder(settings).glob("*.pem"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    if not files:
        raise Trouble("There is no key to sign codes with: `minkang cards new-key NAME` makes one.")
    return {file.stem: Signer(file.read_bytes()) for file in files}


def _folder(settings: Settings) -> Path:
    return DataFolder(settings.data.absolute()).keys / "cards"


def _say(words: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(words)

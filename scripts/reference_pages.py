"""Write the reference pages that the code itself can tell: settings, commands, coverage, and the list of decisions.

Usage: python -m scripts.reference_pages      (`make docs` runs it; tests/docs refuses pages that are not current)
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import typer.main
from scripts import cda_page

from minkang.app.cli import app
from minkang.kit.settings import describe

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = "<!-- Written by scripts/reference_pages.py; change that, or what it reads, and run `make docs`. -->\n"


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def pages() -> dict[Path, str]:
    """Every generated page with what should stand in it."""
    return {
        DOCS / "reference" / "settings.md": settings(),
        DOCS / "reference" / "commands.md": commands(),
        DOCS / "reference" / "coverage.md": coverage(),
        DOCS / "reference" / "cda.md": _page("The mapping of clinical documents", *cda_page.parts()),
        DOCS / "decisions" / "index.md": decisions(),
    }


def settings() -> str:
    rows = [[f"`{name}`", f"`{default}`" if default else "not set", text] for name, default, text in describe()]
    return _page(
        "Settings",
        "Read once at the start from the environment. `minkang serve` takes the commonest as options too (`--port` for "
        "`MINKANG_PORT`), and what stands there wins. A value that cannot be used is refused with a sentence.",
        _table(["Variable", "Default", "What it does"], rows),
    )


def commands() -> str:
    group: Any = typer.main.get_command(app)
    parts = [_command(name, command) for name, command in group.commands.items()]
    return _page("Commands", "`minkang COMMAND --help` says the same.", *parts)


def _command(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    usage = " ".join(["minkang", name, *(each.name.upper() for each in arguments)])
    lines = [f"## {name}", "", command.help.strip(), "", f"    {usage}" + (" [OPTIONS]" if options else "")]
    if options:
        lines += ["", _table(["Option", "What it does"], [[f"`{each.opts[0]}`", each.help or ""] for each in options])]
    return "\n".join(lines)


def coverage() -> str:
    listed = tomllib.loads((DOCS / "reference" / "coverage.toml").read_text(encoding="utf-8"))
    rows = [
        [row["id"], row["system"], row["works"], "<br>".join(f"`{call}`" for call in row["calls"]), row["missing"]]
        for row in listed["feature"]
    ]
    tests = [[row["id"], "<br>".join(f"`{path}`" for path in row["tests"])] for row in listed["feature"]]
    return _page(
        "Coverage",
        listed["introduction"],
        _table(["Id", "System", "What works now", "Call or page", "What does not yet"], rows),
        "## Which test shows it",
        _table(["Id", "Tests"], tests),
    )


def decisions() -> str:
    found = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    titles = {path: re.match(r"# (?:\d+[.:]?\s+)?(.+)", path.read_text(encoding="utf-8")) for path in found}
    rows = [[path.name[:4], f"[{title[1]}]({path.name})"] for path, title in titles.items() if title]
    return _page(
        "Decisions",
        "One page each: what the matter was, what was decided, what follows. They are not rewritten when the world "
        "changes; a later one says which it replaces.",
        _table(["No.", "Decision"], rows),
    )


def _page(title: str, *parts: str) -> str:
    return MADE + "\n" + "\n\n".join([f"# {title}", *(part.strip() for part in parts)]) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)])


if __name__ == "__main__":
    main()

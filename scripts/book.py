"""The order of the book (a hook of mkdocs): the four kinds of page, then the decisions; new pages are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTIONS = {
    "Learn": "tutorials",
    "Do": "how-to",
    "Look up": "reference",
    "Understand": "explanation",
    "Decisions": "decisions",
}


def on_config(config: Any) -> Any:
    """https://www.mkdocs.org/user-guide/configuration/#hooks"""
    root = Path(config.docs_dir)
    nav: list[dict[str, Any]] = [{"Home": "index.md"}]
    for title, folder in SECTIONS.items():
        if pages := _pages(root, root / folder):
            nav.append({title: pages})
    config.nav = nav
    return config


def _pages(root: Path, folder: Path) -> list[Any]:
    """Pages of a folder, its index first; a folder inside becomes a group."""
    pages: list[Any] = []
    for path in sorted(folder.iterdir() if folder.exists() else [], key=lambda path: (path.stem != "index", path.name)):
        if path.suffix == ".md":
            pages.append(path.relative_to(root).as_posix())
        elif path.is_dir() and (inside := _pages(root, path)):
            pages.append({path.name.replace("-", " ").capitalize(): inside})
    return pages

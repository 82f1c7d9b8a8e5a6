"""`minkang terms ...` on the command line. Wiring only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

terms = typer.Typer(help="Terminology (术语): the code systems that come with the platform.", no_args_is_help=True)


@terms.command("shipped")
def terms_shipped(
    file: Annotated[Path, typer.Argument(help="Where to write them (NDJSON); an existing file is kept.")],
) -> None:
    """Write the value domains of WS 364-2011 as CodeSystem resources, for `minkang import`."""
    from minkang.app import terms_shipped

    terms_shipped.write(file)

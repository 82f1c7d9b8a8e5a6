"""`minkang db distribute` where nothing can be distributed says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from minkang.app import distributing
from minkang.kit import settings
from minkang.kit.trouble import Trouble


@pytest.mark.skipif("MINKANG_CITUS_URL" in os.environ, reason="asks a database without the extension")
@pytest.mark.parametrize("dry_run", [True, False])
def test_without_citus_it_says_how_to_get_it(fresh_database_url: str, tmp_path: Path, dry_run: bool) -> None:
    chosen = settings.load(data=str(tmp_path), database_url=fresh_database_url)
    with pytest.raises(Trouble, match="CREATE EXTENSION citus"):
        distributing.run(chosen, dry_run=dry_run)

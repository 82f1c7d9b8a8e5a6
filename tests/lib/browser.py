"""The machine's own Chromium, started so that it talks to nobody but the page it is sent to."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
]


def chromium() -> str | None:
    """Where it is: MINKANG_CHROMIUM, or the first of the usual names on the PATH."""
    named = os.environ.get("MINKANG_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def launch(playwright: Playwright) -> Browser:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    return playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *as_root])

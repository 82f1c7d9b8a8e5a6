"""Pictures of the pages, for the docs and for whoever changed their look: 390 and 1440 px, light and dark, zh and en.

Serves a demo of its own in a temporary folder, so it shows what a newcomer sees. Needs a Chromium on this machine
(Debian: `apt-get install chromium fonts-noto-cjk`; MINKANG_CHROMIUM names another place).
Usage: python scripts/screenshots.py [--all FOLDER]   without --all only the pictures that the docs use, in docs/images
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from tests.lib.browser import launch
from tests.lib.demo import served

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTHS = {390: 844, 1440: 900}
PAGES = {
    "front": "/?lang={language}",
    "front-search": "/?lang={language}&q=zl",
    "front-nobody": "/?lang={language}&q=不存在的人",
    "front-rare": "/?lang={language}&q=阿依古丽",
}
DOCUMENTED = {
    "front-page.png": ("/?q=zhang", 1440, "light", "zh"),
    "front-page-en.png": ("/?q=zhang", 1440, "light", "en"),
}


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--all", type=Path, metavar="FOLDER", help="every page in every width, theme and language")
    chosen = reader.parse_args()
    with served() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for name, (path, width, theme, language) in DOCUMENTED.items():
            take(browser, address + path, IMAGES / name, width=width, theme=theme, language=language)
        if chosen.all:
            take_all(browser, address, chosen.all)
        browser.close()


def take_all(browser: Browser, address: str, folder: Path) -> None:
    for name, path in PAGES.items():
        for language in ("zh", "en"):
            for width in WIDTHS:
                for theme in ("light", "dark"):
                    file = folder / f"{name}-{language}-{width}-{theme}.png"
                    url = address + path.format(language=language)
                    take(browser, url, file, width=width, theme=theme, language=language)


def take(browser: Browser, url: str, file: Path, *, width: int, theme: str, language: str) -> None:
    scheme = "dark" if theme == "dark" else "light"
    size = {"width": width, "height": WIDTHS[width]}
    page = browser.new_page(viewport=size, color_scheme=scheme, locale={"zh": "zh-CN", "en": "en-GB"}[language])  # pyright: ignore
    page.goto(url)
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file, full_page=width == 390)
    page.close()
    print(file)


if __name__ == "__main__":
    main()

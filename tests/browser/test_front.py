"""The front page in a real browser, over a demo started as a person would start it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need `make test-browser`")

from tests.lib.browser import chromium, launch  # noqa: E402
from tests.lib.demo import served  # noqa: E402

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine; set MINKANG_CHROMIUM to one"),
]

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1440, "height": 900}}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        opened = launch(started)
        yield opened
        opened.close()


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: playwright.Browser) -> Iterator[playwright.Page]:
    """A page that fails the test when the browser complained or could not load something."""
    opened = browser.new_page(viewport=SIZES[request.param], locale="zh-CN")
    complaints: list[str] = []
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    # A request that is still under way when the test leaves the page is aborted; that is no complaint.
    opened.on("requestfailed", lambda lost: complaints.append(lost.url) if lost.failure != "net::ERR_ABORTED" else None)
    opened.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
    yield opened
    opened.close()
    assert complaints == []


def test_a_person_is_found_by_pinyin_from_the_keyboard_alone(page: playwright.Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("/")
    page.keyboard.type("zhangli")
    page.keyboard.press("Enter")
    playwright.expect(page.get_by_role("row", name="张丽")).to_contain_text("45岁")
    playwright.expect(page.get_by_role("searchbox")).to_have_value("zhangli")


def test_the_page_says_that_it_runs_and_how_much_it_holds(page: playwright.Page, address: str) -> None:
    page.goto(address)
    playwright.expect(page.get_by_text("正在运行")).to_be_visible()
    playwright.expect(page.get_by_role("heading", name="已存 1,152 份资源")).to_be_visible()


def test_a_persons_whole_record_is_one_click_away(page: playwright.Page, address: str) -> None:
    page.goto(f"{address}/?q=zhangli")
    page.get_by_role("link", name="全部记录 张丽").click()
    playwright.expect(page.locator("body")).to_contain_text("searchset")


def test_the_language_is_kept_while_searching(page: playwright.Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="English").click()
    page.get_by_role("searchbox").fill("shan xuemei")
    page.get_by_role("button", name="Find").click()
    playwright.expect(page.get_by_text("1 found")).to_be_visible()


def test_nothing_is_wider_than_the_screen(page: playwright.Page, address: str) -> None:
    for path in ("/", "/?q=zl", "/?q=" + "长" * 100, "/?q=Anna"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_everything_that_can_be_used_is_reached_with_the_tab_key(page: playwright.Page, address: str) -> None:
    page.goto(f"{address}/?q=zhangli")
    usable = page.locator("a, input:not([type=hidden]), button").count()
    reached = []
    for _ in range(usable):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML"))
    assert len(set(reached)) == usable

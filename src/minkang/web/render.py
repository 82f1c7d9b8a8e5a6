"""Data and a template become a page. The headers keep a page from loading or running anything that is not ours."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from minkang.web import languages
from minkang.web.figures import age_text, number_text

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
}


def page(template: str, language: str, *, status: int = 200, **data: Any) -> HTMLResponse:
    """A whole page in one language. `data` is what the template may use beside `t` (texts), `number` and `age`."""
    t = languages.texts(language)
    html = (
        _templates()
        .get_template(template)
        .render(
            t=t,
            language=language,
            number=lambda count: number_text(t, count),
            age=lambda found: age_text(t, found),
            **data,
        )
    )
    return HTMLResponse(html, status_code=status, headers={**HEADERS, "Content-Language": language})


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("minkang.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

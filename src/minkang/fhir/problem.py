"""The nine kinds of problem, the only exceptions that cross a floor on purpose.

    Problem
    ├── Incorrect        400  the message itself is malformed
    ├── Unprocessable    422  well-formed, but breaks a rule
    ├── Forbidden        403  known caller, not allowed
    ├── NotFound         404  no such thing (for this caller)
    │   └── Gone         410  it was deleted
    ├── Conflict         409  somebody else changed it, or it exists already
    │   └── PreconditionFailed  412  If-Match, If-None-Exist or a condition that matches several
    ├── Unsupported      400  a part of the standard that is not spoken here
    │   ├── UnsupportedMethod 405, UnsupportedMediaType 415, NotAcceptable 406
    ├── TooCostly        403  would read too much; says how to narrow it (TooLarge 413: too many bytes)
    ├── Busy             503  try again later (TooMany 429: first let some of yours end)
    └── Fault            500  a bug; the only one that wakes anybody

A subclass's docstring is its default message. A message quotes the offending value, never a patient's data.
Each door translates a Problem once: `outcome()` is the FHIR translation (http://hl7.org/fhir/R4/operationoutcome.html).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of an OperationOutcome. `expression` is the FHIRPath of the element; `code` is an IssueType code."""

    code: str
    text: str
    expression: str | None = None
    severity: str = "error"

    def to_fhir(self) -> dict[str, Any]:
        issue: dict[str, Any] = {"severity": self.severity, "code": self.code, "diagnostics": self.text}
        if self.expression is not None:
            issue["expression"] = [self.expression]
        return issue


class Problem(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(self, text: str | None = None, *, expression: str | None = None, issues: list[Issue] | None = None):
        self.text = text or inspect.cleandoc(type(self).__doc__ or "")
        self.issues = issues or [Issue(type(self).code, self.text, expression)]
        super().__init__(self.text)


class Incorrect(Problem):
    """The request is malformed."""

    status, code = 400, "invalid"


class Unprocessable(Problem):
    """The content is well-formed but breaks a rule."""

    status, code = 422, "business-rule"


class Forbidden(Problem):
    """This caller may not do that."""

    status, code = 403, "forbidden"


class Unauthenticated(Forbidden):
    """Say who you are: send a valid bearer token."""

    status, code = 401, "login"


class NotFound(Problem):
    """There is no such resource."""

    status, code = 404, "not-found"


class Gone(NotFound):
    """The resource was deleted."""

    status, code = 410, "deleted"


class Conflict(Problem):
    """The resource was changed meanwhile."""

    status, code = 409, "conflict"


class PreconditionFailed(Conflict):
    """The condition of the request does not hold."""

    status, code = 412, "conflict"


class Unsupported(Problem):
    """That part of the standard is not supported here."""

    status, code = 400, "not-supported"


class UnsupportedMethod(Unsupported):
    """This method is not supported here."""

    status = 405


class NotAllowed(UnsupportedMethod):
    """This method is not supported at this address; `allow` says which are."""

    def __init__(self, allow: str):
        super().__init__(f"This method is not supported here; try {allow}.")
        self.allow = allow


class UnsupportedMediaType(Unsupported):
    """Send application/fhir+json."""

    status = 415


class NotAcceptable(Unsupported):
    """Only application/fhir+json can be answered."""

    status = 406


class TooCostly(Problem):
    """The request would read too much; narrow it."""

    status, code = 403, "too-costly"


class TooLarge(TooCostly):
    """The request is too large."""

    status, code = 413, "too-long"


class Busy(Problem):
    """Busy; try again later."""

    status, code = 503, "transient"
    retry_after: ClassVar[int] = 2
    """Seconds."""


class TooMany(Busy):
    """Too many at once; let some end first."""

    status, code = 429, "throttled"
    retry_after = 30


class Fault(Problem):
    """Something broke on our side; it was logged."""


def outcome(problem: Problem) -> dict[str, Any]:
    """OperationOutcome resource of a problem."""
    return {"resourceType": "OperationOutcome", "issue": [issue.to_fhir() for issue in problem.issues]}


def refusal_headers(problem: Problem) -> list[tuple[bytes, bytes]]:
    """What HTTP says beside the outcome (RFC 9110: Allow, Retry-After, WWW-Authenticate, Accept-Encoding)."""
    if isinstance(problem, NotAllowed):
        return [(b"allow", problem.allow.encode())]
    if isinstance(problem, Busy):
        return [(b"retry-after", b"%d" % problem.retry_after)]
    if isinstance(problem, Unauthenticated):
        return [(b"www-authenticate", b"Bearer")]
    return [(b"accept-encoding", b"gzip, identity")] if problem.status == 415 else []

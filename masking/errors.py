"""The exceptions of this package, grouped by who has to act next.

No exception carries a personal value. It names the field and the rule, and the caller still has the value.
`api/service/problems.py` assigns the HTTP status codes.
"""

from __future__ import annotations

from typing import NamedTuple

from masking.words.reasons import explained
from masking.words.request_rules import explained_rule


class MaskingError(Exception):
    """The base class of all exceptions that this package raises itself."""


class InputError(MaskingError):
    """Invalid input: `field` breaks `rule`.

    Attributes:
        rule: a word of `Rule` or `RequestRule`. Errors of commands have a sentence instead.
        row: the row, counted from 1, None for input without rows.
        detail: a sentence with limits or a list, such as "give one of pdf, png".
    """

    def __init__(self, field: str, rule: str, *, row: int | None = None, detail: str = "") -> None:
        self.field = field
        self.rule = rule
        self.row = row
        self.detail = detail
        parts = [field if row is None else f"row {row}, {field}", rule, detail or explained_rule(rule)]
        super().__init__(": ".join(filter(None, parts)))


class RefusedError(MaskingError):
    """A valid request that is refused.

    Attributes:
        reason: a stable word that programs can match.
        state: the parcel's state, where that is the reason.
        retry_after: seconds, where waiting helps.
    """

    def __init__(self, reason: str, *, state: str | None = None, retry_after: int | None = None) -> None:
        self.reason = reason
        self.state = state
        self.retry_after = retry_after
        super().__init__(explained(reason))


class UnknownWaybillError(MaskingError):
    """The waybill was never issued, is destroyed, or is not the caller's. One message for all, so it reveals nothing."""

    def __init__(self) -> None:
        super().__init__("the waybill does not exist, or is not yours")


class IntegrityError(MaskingError):
    """Stored data, a key or a signed document failed its check. Stop and investigate; don't ignore this error."""


class StoreFault(NamedTuple):
    """Why the store failed, in words that a log or a metric may hold.

    Attributes:
        cause: a word of a closed list, `masking.database.causes.Cause`.
        database: "data" or "keys", if it was one of them.
        code: the database's own code: an SQLSTATE, or the name of an SQLite code.
    """

    cause: str
    database: str = ""
    code: str = ""


class UnavailableError(MaskingError):
    """The store or the service can't answer now. Nothing was revealed. Repeat the request with the same reference.

    `undone` is True if nothing was stored and the store itself works, as after a conflict or a deadlock. `fault` is for
    the operator: why the store could not do it.
    """

    def __init__(self, message: str, *, undone: bool = False, fault: StoreFault | None = None) -> None:
        self.undone = undone
        self.fault = fault
        super().__init__(message)


class BusyError(UnavailableError):
    """A request that must not wait would have had to wait for another writer or a slow database. No data was stored."""


class RootUnavailableError(UnavailableError):
    """The keeper of the root key (a PKCS#11 token) does not work now. Its wrapped keys are intact. Nothing was stored."""

    def __init__(self, found: str) -> None:
        message = f"the root key's token does not work ({found}). Check the token, its PIN and its key ([root])"
        super().__init__(message, fault=StoreFault("root-key", "keys"))


class SettingsError(MaskingError):
    """The deployment's set-up is refused, for instance a key file that others can read or a folder that is read-only."""


EXTRAS = {
    "httpx": "merchant",
    "openpyxl": "merchant",
    "python_calamine": "merchant",
    "numpy": "labels",
    "PIL": "labels",
    "pypdf": "labels",
    "pypdfium2": "labels",
    "zxingcpp": "labels",
    "fastapi": "server",
    "starlette": "server",
    "pydantic": "server",
    "anyio": "server",
    "uvicorn": "server",
    "psycopg": "server",
    "pkcs11": "pkcs11",
}
"""Optional libraries: import name -> the extra in pyproject.toml that installs it."""


def not_installed(error: ImportError) -> SettingsError:
    """The error for a missing optional library. It names the extra to install.

    Raises:
        ImportError: `error` itself, if it concerns another module.
    """
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        raise error
    return SettingsError(
        f"{module} is not installed. Install waybill-masking with the extra {EXTRAS[module]!r}, in a checkout of it:"
        f' pip install ".[{EXTRAS[module]}]" (see "Installing" in README.md)'
    )


class ForkedError(SettingsError):
    """A shop, store or connection is used in a process that was forked after it was opened."""

    def __init__(self, message: str = "this was opened before a fork; call connect() in each process") -> None:
        super().__init__(message)


class ClosedError(MaskingError):
    """A shop, store or connection is used after it was closed."""

    def __init__(self, message: str = "this shop is closed; call connect() to open another one") -> None:
        super().__init__(message)

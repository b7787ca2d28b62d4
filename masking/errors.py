"""The error tree, split by whose move comes next.

Nothing here ever carries a personal value: an error names the field and the rule, the caller still has the value.
HTTP numbers are given in `api/problems.py`, not here.
"""

from __future__ import annotations

from masking.reasons import explained


class MaskingError(Exception):
    """Everything this package raises on purpose."""


class InputError(MaskingError):
    """You gave us something wrong: `field` and `rule` say what, `row` where (counted from 1, if there are rows)."""

    def __init__(self, field: str, rule: str, *, row: int | None = None) -> None:
        self.field = field
        self.rule = rule
        self.row = row
        super().__init__(f"{field}: {rule}" if row is None else f"row {row}, {field}: {rule}")


class RefusedError(MaskingError):
    """Understood, and the answer is no: `reason` is a stable word, `state` the parcel's, `retry_after` in seconds."""

    def __init__(self, reason: str, *, state: str | None = None, retry_after: int | None = None) -> None:
        self.reason = reason
        self.state = state
        self.retry_after = retry_after
        super().__init__(explained(reason))


class UnknownWaybillError(MaskingError):
    """Never issued, destroyed, or not yours: one text, so that asking tells nothing."""

    def __init__(self) -> None:
        super().__init__("no such waybill for you")


class IntegrityError(MaskingError):
    """Our own data or keys are not what we wrote. Stop and look; never carry on past it."""


class UnavailableError(MaskingError):
    """The store could not take or answer this now. Nothing was revealed; ask again with the same reference.

    `undone` where it is known that nothing was kept and the store itself is well: a conflict, a deadlock.
    """

    def __init__(self, message: str, *, undone: bool = False) -> None:
        self.undone = undone
        super().__init__(message)


class BusyError(UnavailableError):
    """The store was told not to wait, and something would have had to: another writer, a slow database. Nothing was kept."""


class RootUnavailableError(UnavailableError):
    """The keeper of the root key (a PKCS#11 token) does not work now. What it has wrapped is not in doubt. Nothing was kept."""

    def __init__(self, found: str) -> None:
        super().__init__(f"the root key's token does not work ({found}). Check the token, its PIN and its key ([root])")


class SettingsError(MaskingError):
    """The deployment is set up in a way that is refused: a key file others can read, a folder that can't be written."""


EXTRAS = {
    "httpx": "merchant",
    "openpyxl": "merchant",
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
"""The optional libraries by the name under which they are imported, each with the extra in pyproject.toml that brings it."""


def not_installed(error: ImportError) -> SettingsError:
    """The error for an optional library that is missing; it names the extra to install.

    Raises:
        ImportError: `error` itself, which is about something else.
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

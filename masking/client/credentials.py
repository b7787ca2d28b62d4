"""Reads a caller's credentials file, and checks the address of a service."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import httpx

from masking.access.proof import on_this_machine
from masking.disk import read_secret
from masking.errors import SettingsError
from masking.ledger.note import VerifierKey
from masking.values.plaintext import Plain


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The contents of a credentials file: an enrolment code or the secret of a program without a device.

    A used code gives no access, and may stay in the file.

    Attributes:
        ledger_key: the key that the ledger must be signed with, if the file names it.
    """

    code: Plain | None
    secret: Plain | None
    ledger_key: VerifierKey | None
    path: Path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file such as {"code": "wbc1_...", "ledger_key": "..."}. The key is optional.

        Raises:
            SettingsError: the file is missing, others can read it, or it is not a credentials file.
        """
        try:
            found = json.loads(read_secret(path))
            code, secret, key = (found.get(name) for name in ("code", "secret", "ledger_key"))
        except (ValueError, AttributeError) as error:
            raise SettingsError(f"{path.name} holds no credentials") from error.with_traceback(None)
        texts = all(each is None or isinstance(each, str) for each in (code, secret, key))
        if not texts or bool(code) == bool(secret):
            raise SettingsError(f"{path.name} holds no credentials")
        code, secret = (Plain(each) if each else None for each in (code, secret))
        return cls(code=code, secret=secret, ledger_key=VerifierKey.parse(key) if key else None, path=path)


_PREFIX = re.compile(r"/?|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+/?")


def service_address(where: str) -> str:
    """Check and normalise the address of a service.

    Raises:
        SettingsError: it is neither https:// nor http:// on this machine, or has more than a host, a port and a path.
    """
    try:
        url = httpx.URL(where)
    except httpx.InvalidURL:
        raise SettingsError("the service's address can't be read") from None
    if (
        not re.fullmatch(r"[A-Za-z0-9.:-]+", url.host)
        or url.userinfo
        or url.query
        or url.fragment
        or not _PREFIX.fullmatch(url.path)
    ):
        raise SettingsError("the service's address is https://host, https://host:port or https://host/prefix")
    if url.scheme != "https" and not (url.scheme == "http" and on_this_machine(url.host)):
        raise SettingsError("a service is reached over https://; http:// is for this machine only")
    return f"{url.scheme}://{url.netloc.decode()}{url.path.rstrip('/')}"

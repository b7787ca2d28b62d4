"""The settings of a service: the table `[service]` of its deployment's `waybill.toml`, overridden by the environment.

`masking.config` reads the deployment's own settings (tenant, carrier, databases). `WAYBILL_PORT=9000` overrides `port`,
and so on. `waybill serve` turns its options into these variables, so that all values pass the same check.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final
from urllib.parse import urlsplit

from masking.access.people import Role
from masking.access.proof import normalised, on_this_machine
from masking.config import SETTINGS, read_table
from masking.errors import SettingsError

MEGABYTE = 1024 * 1024
PORTS = 65535

_ADDRESS = re.compile(r"https?://[^/]+(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")
"""A host, and optionally a prefix that a proxy removes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """One service's settings.

    Attributes:
        folder: the deployment.
        host, port: where to listen.
        workers: processes; more than one needs PostgreSQL.
        max_queued_items: items that may wait for the store. A request beyond it gets 503 with `Retry-After`.
        max_batch_items: the most items in one transaction. One request has up to 100.
        body_bytes: the largest request body. 100 orders of the largest size fit.
        body_seconds: the time in which a body has to arrive.
        connections: simultaneous connections of one process; 0 for the system's limit of open files.
        keep_alive_seconds: how long a connection may be idle between two requests. It must be longer than a load
            balancer's idle time, which would otherwise send requests into connections that are being closed.
        stop_seconds: how long a stopping service waits for running requests.
        address: the public address, such as https://mask.example, that proofs are made for. Empty without a proxy.
        counts: the folder in which several workers share their metrics. Not a setting: `run_service` creates it.
        bearer_roles: the roles whose tokens need no proof of the device, so that a copied token can be used.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8440
    workers: int = 1
    max_queued_items: int = 1000
    max_batch_items: int = 200
    body_bytes: int = 2 * MEGABYTE
    body_seconds: float = 20
    connections: int = 0
    keep_alive_seconds: int = 5
    stop_seconds: int = 20
    address: str = ""
    counts: Path | None = None
    bearer_roles: frozenset[Role] = frozenset({Role.SWITCH})

    @classmethod
    def read(cls, folder: Path, environ: Mapping[str, str]) -> Self:
        """The settings of the deployment in a folder.

        Raises:
            SettingsError: the folder is not a deployment, or a value is not valid.
        """
        if not (folder / SETTINGS).exists():
            raise SettingsError(
                f"no {SETTINGS} in this folder: name the deployment with --folder, or create one with waybill init"
            )
        table = read_table(folder).get("service", {})
        if not isinstance(table, dict):
            raise SettingsError(f"{SETTINGS}: service is not a table; write [service] on a line of its own")
        values: dict[str, Any] = {"folder": folder}
        for name, kind in _KINDS.items():
            given = environ.get(f"WAYBILL_{name.upper()}", table.pop(name, None))
            if given is not None:
                values[name] = _value(name, kind, given)
        roles = environ.get("WAYBILL_BEARER_ROLES", table.pop("bearer_roles", None))
        if roles is not None:
            values["bearer_roles"] = bearer_roles(roles)
        address = values.get("address", "")
        values["address"] = (normalised(address) or "").removesuffix("/")
        if address and (not _ADDRESS.fullmatch(values["address"]) or "?" in address or "#" in address):
            raise SettingsError(
                f"address is not valid ({SETTINGS} or environment): use https://host, https://host:port or https://host/prefix"
            )
        if table:
            raise SettingsError(f"{SETTINGS}: [service] has an unknown setting; docs/service.md lists them")
        return cls(**values)

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine can reach the service."""
        return on_this_machine(self.host)

    @property
    def in_clear(self) -> bool:
        """Whether `address` makes clients on other machines connect without TLS."""
        return self.address.startswith("http://") and not on_this_machine(urlsplit(self.address).hostname or "")

    @property
    def exposed_by(self) -> str:
        """The option that `waybill serve` needs to listen on `host`; empty for a loopback address."""
        if self.loopback:
            return ""
        return "--insecure-bearer" if self.bearer_roles else "--plain-http"


def bearer_roles(given: object) -> frozenset[Role]:
    """Parse a list of roles, or a string of roles with commas. `none` stands for no role.

    Raises:
        SettingsError: a name is not a role, or the list is empty, which is not the same as `none`.
    """
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
    if names == ["none"]:
        return frozenset()
    if not isinstance(names, list) or not names or not all(name in list(Role) for name in names):
        raise SettingsError(f"bearer_roles is not valid: give none, or some of {', '.join(Role)}")
    return frozenset(map(Role, names))


_KINDS: dict[str, type] = {
    "host": str,
    "port": int,
    "workers": int,
    "max_queued_items": int,
    "max_batch_items": int,
    "body_bytes": int,
    "body_seconds": float,
    "connections": int,
    "keep_alive_seconds": int,
    "stop_seconds": int,
    "address": str,
}


def _value(name: str, kind: type, given: object) -> object:
    if kind is str and isinstance(given, str) and given:
        return given
    if kind is not str and isinstance(given, str | int | kind) and not isinstance(given, bool):
        try:
            number = kind(given)
        except ValueError:
            number = -1
        if (0 <= number <= PORTS) if name == "port" else (0 < number < math.inf):
            return number
    wanted = "string" if kind is str else "number"
    raise SettingsError(f"{name} is not a valid {wanted} (in {SETTINGS}, the environment or an option)")

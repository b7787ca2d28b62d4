"""What a service is told: its deployment's `waybill.toml`, and over that the environment.

The deployment's own settings (tenant, carrier, databases) are read by `masking.connection`; here are the ones that only
a service has, in the table `[service]`. `WAYBILL_PORT=9000` overrides `port`, and so on; `waybill serve` puts its options
there, so that one check is all there is.
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
"""A host and perhaps a prefix, under which a proxy serves us and which it takes off."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """One service's settings.

    Attributes:
        folder: the deployment.
        host, port: where to listen.
        workers: processes; more than one needs PostgreSQL.
        max_queued_items: items that may wait for the store; a request beyond it is answered 503 with `Retry-After`.
        max_batch_items: items that are committed in one transaction at most; one request brings up to 100.
        body_bytes: the largest request body; 100 orders of the largest size fit.
        body_seconds: how long a body may take to arrive.
        connections: connections that one process keeps at a time; 0 for as many as the system lets it open files.
        keep_alive_seconds: how long a connection may be idle between two requests. More than a balancer in front keeps
            its own, or it sends requests into connections that are just being closed.
        stop_seconds: how long a stopping service lets requests finish.
        address: where clients reach it, as https://mask.example: what proofs are made for. Empty where no proxy is between.
        counts: the folder where several workers leave their counts for each other; nobody sets it, `run_service` makes it.
        bearer_roles: the roles whose tokens need no device's key, and are good for whoever has one.
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
            SettingsError: there is none, or a value is of the wrong kind.
        """
        if not (folder / SETTINGS).exists():
            raise SettingsError(
                f"no {SETTINGS} in this folder; name the deployment with --folder, or make one: waybill init"
            )
        table = read_table(folder).get("service", {})
        if not isinstance(table, dict):
            raise SettingsError(f"{SETTINGS}: service is a table")
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
                f"{SETTINGS} or environment: address is https://host, https://host:port or https://host/prefix"
            )
        if table:
            raise SettingsError(f"{SETTINGS}: [service] has a setting that is not known")
        return cls(**values)

    @property
    def loopback(self) -> bool:
        """Whether only programs on this machine reach the service."""
        return on_this_machine(self.host)

    @property
    def in_clear(self) -> bool:
        """Whether clients on other machines are told to come without TLS."""
        return self.address.startswith("http://") and not on_this_machine(urlsplit(self.address).hostname or "")

    @property
    def exposed_by(self) -> str:
        """The option of `waybill serve` without which it does not listen at `host`; empty on this machine."""
        if self.loopback:
            return ""
        return "--insecure-bearer" if self.bearer_roles else "--plain-http"


def bearer_roles(given: object) -> frozenset[Role]:
    """The roles of a list of their names, or of a text with commas between them; `none` for no role at all.

    Raises:
        SettingsError: one is no role, or there is none: to say nothing is not to say `none`.
    """
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
    if names == ["none"]:
        return frozenset()
    if not isinstance(names, list) or not names or not all(name in list(Role) for name in names):
        raise SettingsError(f"bearer_roles takes none, or some of {', '.join(Role)}")
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
    raise SettingsError(f"{name} is no fit {'text' if kind is str else 'number'} ({SETTINGS}, environment or option)")

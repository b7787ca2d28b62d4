"""The provider that connects calls, if the deployment has one: the table `[aliyun]` of its `waybill.toml`."""

from __future__ import annotations

from pathlib import Path

from masking.config import SETTINGS, read_table
from masking.disk import read_secret
from masking.errors import SettingsError
from masking.numbers.aliyun.client import Account, Aliyun
from masking.numbers.provider import NumberProvider
from masking.runtime import World
from masking.steps.dial import end
from masking.store.store import Store
from masking.values.plaintext import Plain

TEXTS = ("endpoint", "key_id", "key_secret_file", "pool_key")
REPORTS = "report_key_file"
"""May be missing: then no report that is pushed is believed."""


def read_provider(folder: Path, world: World) -> NumberProvider | None:
    """The provider that the deployment in this folder uses; None where its own switch connects calls.

    Raises:
        SettingsError: the table is not complete, or a file with a secret key is missing or open to others.
    """
    table = read_table(folder).get("aliyun")
    if table is None:
        return None
    if not isinstance(table, dict) or set(table) - {REPORTS} != {*TEXTS, "mains"}:
        raise SettingsError(f"{SETTINGS}: [aliyun] takes {', '.join(TEXTS)}, mains, and perhaps {REPORTS}")
    mains, reports = table["mains"], table.get(REPORTS)
    whole = isinstance(mains, list) and all(isinstance(main, str) for main in mains)
    if not whole or not all(isinstance(table[name], str) and table[name] for name in set(table) - {"mains"}):
        raise SettingsError(f"{SETTINGS}: in [aliyun] all are texts, and mains a list of texts")
    account = Account(
        endpoint=table["endpoint"],
        key_id=table["key_id"],
        key_secret=_secret(folder / table["key_secret_file"]),
        pool_key=table["pool_key"],
        mains=tuple(mains),
        report_key=_secret(folder / reports) if reports else None,
    )
    return Aliyun(account, world)


def end_bindings(folder: Path, world: World, store: Store) -> None:
    """End at once what the deployment's provider, if it has one, still connects for parcels whose data is destroyed.

    What it can't be told now a running service tells it within a minute; and each binding ends by itself after two.

    Raises:
        SettingsError: see `read_provider`.
    """
    provider = read_provider(folder, world)
    if provider:
        end(world, store, provider)


def _secret(path: Path) -> Plain:
    return Plain(read_secret(path).decode().strip())

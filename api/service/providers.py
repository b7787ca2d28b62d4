"""The provider that connects calls, if the deployment has one: the table `[aliyun]` of `waybill.toml`."""

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
"""An optional setting. Without it, pushed reports are refused."""


def read_provider(folder: Path, world: World) -> NumberProvider | None:
    """The provider of the deployment in this folder; None if the deployment's own switch connects calls.

    Raises:
        SettingsError: the table is incomplete, or the file of a secret key is missing or readable by other users.
    """
    table = read_table(folder).get("aliyun")
    if table is None:
        return None
    if not isinstance(table, dict) or set(table) - {REPORTS} != {*TEXTS, "mains"}:
        raise SettingsError(f"{SETTINGS}: [aliyun] needs {', '.join(TEXTS)} and mains, and may have {REPORTS}")
    mains, reports = table["mains"], table.get(REPORTS)
    whole = isinstance(mains, list) and all(isinstance(main, str) for main in mains)
    if not whole or not all(isinstance(table[name], str) and table[name] for name in set(table) - {"mains"}):
        raise SettingsError(f"{SETTINGS}: in [aliyun] mains is a list of strings, and every other setting a string")
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
    """End the provider's bindings of parcels whose data is destroyed, if the deployment has a provider.

    If the provider does not answer, a running service tries again within a minute. Each binding expires after two minutes.

    Raises:
        SettingsError: see `read_provider`.
    """
    provider = read_provider(folder, world)
    if provider:
        end(world, store, provider)


def _secret(path: Path) -> Plain:
    return Plain(read_secret(path).decode().strip())

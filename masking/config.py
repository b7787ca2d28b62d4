"""Reads and writes `waybill.toml`, the settings of a deployment and the addresses of its databases."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from masking.access.budget import DAYTIME, Hours
from masking.access.detectors import Thresholds
from masking.access.network import Network, parts_of
from masking.errors import SettingsError
from masking.ledger.log import is_name
from masking.store.store import Settings
from masking.values.states import Retention

SETTINGS = "waybill.toml"

_VALUES = frozenset({"tenant", "carrier", "demo", "name_next_unit", "data", "keys"})
_TABLES = frozenset(
    {
        "retention",
        "hours",
        "numbers",
        "collects",
        "delivers",
        "numbers_of",
        "watch",
        "root",
        "service",
        "aliyun",
        "alarms",
        "sender",
    }
)
"""The tables of the file. The last five are read by the modules that use them."""


def databases(folder: Path) -> tuple[str, str]:
    """The addresses of data and key store, from the environment, from `waybill.toml`, or else of two files in the folder.

    Raises:
        SettingsError: only one address is given, both are the same, or one is not a string.
    """
    table = read_table(folder)
    data, keys = (os.environ.get(f"WAYBILL_{name.upper()}") or table.get(name) for name in ("data", "keys"))
    if data is None and keys is None:
        return f"sqlite:///{folder / 'data.sqlite'}", f"sqlite:///{folder / 'keys.sqlite'}"
    if not isinstance(data, str) or not isinstance(keys, str) or data == keys:
        raise SettingsError("data and keys are two different databases: give the address of each")
    return data, keys


def read_table(folder: Path) -> dict[str, Any]:
    """The parsed `waybill.toml` of a deployment.

    Raises:
        SettingsError: the file can't be read, or is not valid TOML.
    """
    try:
        return tomllib.loads((folder / SETTINGS).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{SETTINGS} can't be read") from error


def read_settings(path: Path) -> Settings:
    """The settings in a `waybill.toml`.

    Raises:
        SettingsError: the file is not valid TOML, has an unknown setting, or a value is not valid.
    """
    table = read_table(path.parent)
    if unknown := sorted(table.keys() - _VALUES - _TABLES):
        raise SettingsError(f"{path.name}: there is no setting {', '.join(unknown)}")
    tenant, carrier, demo = table.get("tenant", "carrier"), table.get("carrier", ""), table.get("demo", False)
    if not isinstance(tenant, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", tenant):
        raise SettingsError(f"{path.name}: tenant is 1 to 40 small letters, digits, hyphens")
    named = table.get("name_next_unit", False)
    if not isinstance(carrier, str) or not isinstance(demo, bool) or not isinstance(named, bool):
        raise SettingsError(f"{path.name}: carrier is a string, demo and name_next_unit are true or false")
    retention, network = _retention(path, table.get("retention", {})), _network(path, table)
    hours, watch = _hours(path, table.get("hours", {})), _watch(path, table.get("watch", {}))
    lease_at_print, share = _numbers(path, table.get("numbers", {}))
    return Settings(
        tenant=tenant,
        carrier=carrier,
        demo=demo,
        retention=retention,
        network=network,
        name_next_unit=named,
        hours=hours,
        watch=watch,
        lease_at_print=lease_at_print,
        number_share=share,
    )


def _retention(path: Path, table: object) -> Retention:
    names = {f"{field.name}_days": field.name for field in dataclasses.fields(Retention)}
    days: dict[str, Any] = table if isinstance(table, dict) else {"": None}
    if not all(name in names and type(value) is int and 0 <= value <= 36500 for name, value in days.items()):
        raise SettingsError(f"{path.name}: [retention] takes {', '.join(names)}, whole days")
    return Retention(**{names[name]: timedelta(days=value) for name, value in days.items()})


def _hours(path: Path, table: object) -> Hours:
    given: dict[str, Any] = table if isinstance(table, dict) else {"": None}
    hours = {"first": DAYTIME.first, "last": DAYTIME.last} | given
    if len(hours) > 2 or not all(type(hour) is int and 0 <= hour <= 23 for hour in hours.values()):
        raise SettingsError(f"{path.name}: [hours] takes first and last, hours of the day from 0 to 23")
    if hours["first"] > hours["last"]:
        raise SettingsError(f"{path.name}: [hours] begin before they end; who works at night is given a shift")
    return Hours(**hours)


def _watch(path: Path, table: object) -> Thresholds:
    names = [field.name for field in dataclasses.fields(Thresholds)]
    given: dict[str, Any] = table if isinstance(table, dict) else {"": None}
    if not all(name in names for name in given):
        raise SettingsError(f"{path.name}: [watch] takes {', '.join(names)}")
    return Thresholds(**given)


def _numbers(path: Path, table: object) -> tuple[bool, int]:
    given: dict[str, Any] = table if isinstance(table, dict) else {"": None}
    numbers = {"lease": "print", "share": 50} | given
    lease, share = numbers["lease"], numbers["share"]
    if len(numbers) > 2 or lease not in ("checkout", "print") or type(share) is not int or not 1 <= share <= 100:
        raise SettingsError(f'{path.name}: [numbers] takes lease ("checkout" or "print") and share (percent, 1 to 100)')
    return bool(lease == "print"), share


def _network(path: Path, table: Mapping[str, Any]) -> Network:
    units = {name: table.get(name, {}) for name in ("collects", "delivers")}
    for name, given in units.items():
        if not isinstance(given, dict) or not all(isinstance(unit, str) and is_name(unit) for unit in given.values()):
            raise SettingsError(f"{path.name}: [{name}] takes the name of an outlet's unit on each line")
    if not all(begins == "-".join(parts_of(begins)) for begins in units["delivers"]):
        raise SettingsError(f'{path.name}: [delivers] takes beginnings of routing codes, parts joined as in "342-081"')
    given = table.get("numbers_of", {})
    if not isinstance(given, dict) or not all(_are_numbers(each) for each in given.values()):
        raise SettingsError(f'{path.name}: [numbers_of] takes lists of beginnings and ranges, as in shop = ["YT10"]')
    return Network(**units, numbers_of=given)


def _are_numbers(given: object) -> bool:
    return isinstance(given, list) and all(
        isinstance(each, str) and re.fullmatch(r"[0-9A-Za-z-]{1,32}(\.\.[0-9A-Za-z-]{1,32})?", each) for each in given
    )


def written(settings: Settings, addresses: tuple[str, str] | None) -> str:
    """The text of a new `waybill.toml`. Strings are written as JSON, which is valid TOML."""
    named = zip(("data", "keys"), addresses or (), strict=False)
    return _TEMPLATE.format(
        settings=settings,
        carrier=json.dumps(settings.carrier, ensure_ascii=False),
        demo=str(settings.demo).lower(),
        named=str(settings.name_next_unit).lower(),
        databases="".join(f"{name} = {json.dumps(address)}\n" for name, address in named),
        lease="print" if settings.lease_at_print else "checkout",
        collects=_lines(settings.network.collects),
        delivers=_lines(settings.network.delivers),
        numbers_of=_lines(settings.network.numbers_of),
    )


def _lines(table: Mapping[str, str | Sequence[str]]) -> str:
    return "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in table.items())


_TEMPLATE = """\
# One deployment of waybill-masking. Changing the tenant makes everything that is already sealed unreadable.
tenant = "{settings.tenant}"
# The name printed on labels.
carrier = {carrier}
# Whether visibly fake virtual numbers may be loaded. Never for real parcels.
demo = {demo}
# Whether every departure has to name the unit that comes next, so that no other one takes the parcel in.
name_next_unit = {named}
{databases}
# How long waybills stay in each state, in days; a hold stops it for one waybill. See docs/retention.md.
[retention]
seal_away_after_days = {settings.retention.seal_away_after.days}
undelivered_after_days = {settings.retention.undelivered_after.days}
destroy_after_days = {settings.retention.destroy_after.days}

# The hours of the day in China in which couriers without a recorded shift may open parcels. A demo allows all hours.
[hours]
first = {settings.hours.first}
last = {settings.hours.last}

# When a virtual number is leased: with the first "print" of a label, or at "checkout", which needs more numbers. The most that
# one merchant may hold, in percent of the free numbers and its own; 100 sets no limit.
[numbers]
lease = "{lease}"
share = {settings.number_share}

# Which outlet's unit collects from which merchant's unit; "*" stands for all others. Returns end there. Without a line here no
# parcel can be taken in, and without one below no parcel can be assigned to a courier: see docs/service.md.
[collects]
{collects}
# Which outlet's unit delivers parcels whose routing code begins with these parts: "342-081" = "sh-01".
[delivers]
{delivers}
# Which waybill numbers are whose, by the merchant's unit: shop = ["YT10", "YT2000000000..YT2000009999"]. "*" is every
# other unit; units that share it can take each other's numbers. Without the table one merchant may use every number, and
# where several merchants are enrolled none may use any.
[numbers_of]
{numbers_of}
# Where alarms are sent, as JSON: to a command's standard input, or to a webhook. See docs/operations.md. Without it an alarm is
# a line in the service's log, a count in /metrics, and listed by `waybill alarms list`.
# [alarms]
# command = ["/usr/local/bin/notify-on-call"]
# webhook = "https://alarms.example/waybill"
"""

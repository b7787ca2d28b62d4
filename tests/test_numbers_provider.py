"""A service whose calls a provider connects, set up in `waybill.toml`; and what an operator has to be told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.cli.main import main
from api.service.providers import read_provider
from masking.config import SETTINGS
from masking.errors import SettingsError
from masking.numbers.pool import DEMO, OPEN_LINE_REST
from masking.runtime import World
from masking.store.rows import slots
from tests.support.aliyun_server import MAINS, REPORT_KEY, add_account, aliyun
from tests.support.people import COURIER, PHONES
from tests.support.running_service import make_deployment, run_service
from tests.support.service_parcels import on_the_van


def test_call_over_http_is_bound_at_the_provider_until_erasure(tmp_path):
    folder = tmp_path / "d"
    make_deployment(folder, World())
    with aliyun(lambda: datetime.now(UTC)) as server:
        add_account(folder, server.url)
        with run_service(folder) as service:
            waybill, code = on_the_van(service)
            [dial] = service.outcomes(COURIER, "/v1/calls", {"items": [{"code": code}]})
            assert dial["number"]["main"] in MAINS
            assert dial["number"]["extension"] == ""
            [made] = server.bound.values()
            assert (made["A"], made["B"]) == (PHONES[COURIER.id], "13800000001")
            assert main(["erase", waybill["id"], "--reason", "erasure-request", "--folder", str(folder)]) == 0
            assert server.bound == {}


def test_readyz_names_an_overdue_account_until_it_is_paid(tmp_path):
    folder = tmp_path / "d"
    make_deployment(folder, World())
    with aliyun(lambda: datetime.now(UTC)) as server:
        add_account(folder, server.url)
        with run_service(folder) as service:
            _, code = on_the_van(service)
            server.mood = ["isv.OUT_OF_SERVICE"]
            [refused] = service.outcomes(COURIER, "/v1/calls", {"items": [{"code": code}]})
            assert refused["reason"] == "provider-refused"
            assert service.ask(None, "/readyz").json() == {"ready": True, "risks": ["provider-account"]}
            [dial] = service.outcomes(COURIER, "/v1/calls", {"items": [{"code": code}]})
            assert dial["outcome"] == "dial"
            assert service.ask(None, "/readyz").json() == {"ready": True, "risks": []}


def test_lines_that_connect_any_caller_are_named_as_a_risk(tmp_path):
    with run_service(tmp_path / "d") as service:
        assert service.ask(None, "/readyz").json()["risks"] == []
        axe = DEMO._replace(main="17000000001", provider="aliyun-axe", rest=OPEN_LINE_REST)
        with service.store.transaction() as tx:
            slots.add(tx, axe, axe.slots(0, 9), service.clock.world)
        assert service.ask(None, "/readyz").json()["risks"] == ["numbers-connect-anyone"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / SETTINGS).write_text('tenant = "carrier"\n')
    return tmp_path


def test_own_switch_connects_without_a_provider(folder):
    assert read_provider(folder, World()) is None


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_secret_readable_by_others_is_refused(folder, mode):
    add_account(folder, "https://dyplsapi.example", mode=mode)
    with pytest.raises(SettingsError, match="open to others"):
        read_provider(folder, World())


@pytest.mark.parametrize("key", ["", "x" * 31])
def test_short_report_key_is_refused(folder, key):
    add_account(folder, "https://dyplsapi.example", report_key=key)
    with pytest.raises(SettingsError, match="at least 32"):
        read_provider(folder, World())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pool_key", "pool"),
        ("report.key", "no.key"),
        ("report_key_file", "report_key"),
        ('"report.key"', "1"),
        ('"FC', '1 #"FC'),
        ("mains = [", "mains = [1, "),
        ("https", "http"),
        ("aliyun.key", "no.key"),
    ],
)
def test_incomplete_account_is_refused_by_name(folder, before, after):
    add_account(folder, "https://dyplsapi.example", report_key=REPORT_KEY)
    text = (folder / SETTINGS).read_text()
    assert before in text
    (folder / SETTINGS).write_text(text.replace(before, after))
    with pytest.raises(SettingsError, match=r"aliyun|no\.key"):
        read_provider(folder, World())

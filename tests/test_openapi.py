"""The service's description is checked in, and is what the service says of itself."""

from __future__ import annotations

from pathlib import Path

from api.app import create_app, description
from api.auth import OPEN
from api.settings import ServiceSettings
from tests.serving import serving

KEPT = Path(__file__).parents[1] / "api" / "openapi.json"


def app():
    return create_app(ServiceSettings(folder=Path("nowhere")))


def test_the_description_that_is_checked_in_is_the_services_own():
    """If this fails and the change is meant: python -m scripts.openapi."""
    assert KEPT.read_text("utf-8") == description(app())


def test_every_address_says_who_it_is_for_and_whether_it_needs_a_token():
    for path, methods in app().openapi()["paths"].items():
        for method in methods.values():
            assert method["tags"], path
            assert ("security" in method) == (path not in OPEN), path
            assert "default" in method["responses"]
            assert method.get("description"), path


def test_the_service_answers_the_kept_description_without_making_it_anew(tmp_path):
    with serving(tmp_path / "deployment") as service:
        answer = service.ask(None, "/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == KEPT.read_bytes()

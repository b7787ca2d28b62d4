"""Writes `api/openapi.json`, the service's description, anew: python -m scripts.openapi."""

from __future__ import annotations

from pathlib import Path

from api.service.app import create_app
from api.service.description import description
from api.service.settings import ServiceSettings

if __name__ == "__main__":
    text = description(create_app(ServiceSettings(folder=Path())))
    (Path(__file__).parents[1] / "api" / "openapi.json").write_text(text, "utf-8")

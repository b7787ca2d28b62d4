"""The metadata that the data's tables belong to."""

from __future__ import annotations

from sqlalchemy import MetaData

from masking.database.naming import NAMING

data = MetaData(naming_convention=NAMING)

"""The first schema. Until release 0.1.0 it follows `masking.database.key_schema`; from then on it is frozen."""

from alembic import op

from masking.database import key_schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    key_schema.keys.create_all(op.get_bind())

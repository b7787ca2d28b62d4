"""The first schema. Until release 0.1.0 it follows `masking.database.schema`; from then on it is frozen."""

from alembic import op

from masking.database import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    schema.data.create_all(op.get_bind())

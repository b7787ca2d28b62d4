"""The first schema. Until release 0.1.0 it follows `masking.vault.keyschema`; from then on it is frozen."""

from alembic import op

from masking.vault import keyschema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    keyschema.keys.create_all(op.get_bind())

"""The first tables: checks, states, transitions, inventories."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("ok_at", sa.BigInteger),
        sa.Column("last", sa.Text),
    )
    op.create_table(
        "states",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "transitions",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("after", sa.Text, primary_key=True),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_index("transitions_at", "transitions", ["at"])
    op.create_table(
        "inventories",
        sa.Column("loaded_at", sa.BigInteger, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("inventories", "transitions", "states", "checks"):
        op.drop_table(table)

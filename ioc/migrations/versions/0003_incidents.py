"""Incidents, their timelines, planned work."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("site", sa.Text),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("incidents_resolved", "incidents", ["resolved_at"])
    op.create_index("incidents_since", "incidents", ["since"])
    op.create_table(
        "incident_events",
        sa.Column("incident", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("author", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kind", sa.Text),
        sa.Column("severity", sa.Text),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("incident_events_at", "incident_events", ["at"])
    op.create_table(
        "maintenance",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("cancelled_at", sa.BigInteger),
        sa.Column("data", sa.Text, nullable=False),
    )

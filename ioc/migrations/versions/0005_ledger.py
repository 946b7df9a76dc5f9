"""The ledger: readings, machine reports, goals, history of figures, availability, reports."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("as_of", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("numerator", sa.BigInteger, nullable=False),
        sa.Column("denominator", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("links", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("entered_at", sa.BigInteger, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.UniqueConstraint("target", "place", "source", "origin", "as_of", "version"),
    )
    op.create_table(
        "machines",
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
        sa.Column("system", sa.Text),
        sa.Column("memory_mb", sa.BigInteger),
        sa.Column("disk", sa.Text),
        sa.Column("antivirus", sa.Boolean),
        sa.Column("antivirus_at", sa.BigInteger),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_table(
        "goals",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True),
        sa.Column("goal", sa.Float),
        sa.Column("comparator", sa.Text, nullable=False),
        sa.Column("due", sa.Text),
        sa.Column("retired", sa.Text),
    )
    op.create_table(
        "figures",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("numerator", sa.BigInteger, nullable=False),
        sa.Column("denominator", sa.BigInteger),
        sa.Column("known", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("evidence", sa.Float),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_index("figures_day", "figures", ["day"])
    op.create_table(
        "availability",
        sa.Column("asset", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        *(
            sa.Column(f"{hours}_{what}", sa.BigInteger, nullable=False)
            for hours in ("all", "work")
            for what in ("up", "down", "maintenance", "unknown")
        ),
        sa.Column("outages", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("first_up", sa.BigInteger),
        sa.Column("restated_at", sa.BigInteger),
    )
    op.create_index("availability_day", "availability", ["day"])
    op.create_table(
        "reports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )

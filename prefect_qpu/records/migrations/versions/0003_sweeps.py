"""Sweeps: what each execution of one has planned, and which of them has bought a point."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("plan_hash", sa.String(), nullable=False),
        sa.Column("arrays_hash", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_sweeps_run_id_runs"),
        sa.ForeignKeyConstraint(["plan_hash"], ["blobs.hash"], name="fk_sweeps_plan_hash_blobs"),
        sa.ForeignKeyConstraint(["arrays_hash"], ["blobs.hash"], name="fk_sweeps_arrays_hash_blobs"),
        sa.PrimaryKeyConstraint("id", name="pk_sweeps"),
        sa.UniqueConstraint("run_id", name="uq_sweeps_run_id"),
    )
    op.create_index("ix_sweeps_hash", "sweeps", ["hash"])
    op.create_index("ix_sweeps_name", "sweeps", ["name"])
    op.create_table(
        "points",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("sweep_id", ROW_ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name="fk_points_sweep_id_sweeps"),
        sa.PrimaryKeyConstraint("key", name="pk_points"),
        # The key is all that points are looked up by: a second tree for row numbers would double their size.
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("points")
    op.drop_table("sweeps")

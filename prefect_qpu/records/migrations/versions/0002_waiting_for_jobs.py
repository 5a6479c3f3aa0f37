"""Waiting for jobs: the identity of a store, surplus jobs, calibrations at the time of a job, wishes to cancel."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    identity = op.create_table(
        "identity",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity"),
    )
    op.bulk_insert(identity, [{"id": 1, "uuid": str(uuid.uuid4())}])
    op.create_table(
        "surplus_jobs",
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_surplus_jobs_submission_id_submissions"
        ),
        sa.PrimaryKeyConstraint("submission_id", "job_id", name="pk_surplus_jobs"),
    )
    op.create_table(
        "job_calibrations",
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("calibration_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_job_calibrations_submission_id_submissions"
        ),
        sa.ForeignKeyConstraint(
            ["calibration_hash"], ["calibrations.hash"], name="fk_job_calibrations_calibration_hash_calibrations"
        ),
        sa.PrimaryKeyConstraint("submission_id", name="pk_job_calibrations"),
    )
    for column in ("sent_at", "lost_since", "cancel_requested_at"):
        op.add_column("submissions", sa.Column(column, MOMENT, nullable=True))
    op.create_index("ix_runs_state", "runs", ["state"])


def downgrade() -> None:
    op.drop_index("ix_runs_state", "runs")
    for column in ("sent_at", "lost_since", "cancel_requested_at"):
        op.drop_column("submissions", column)
    for table in ("job_calibrations", "surplus_jobs", "identity"):
        op.drop_table(table)

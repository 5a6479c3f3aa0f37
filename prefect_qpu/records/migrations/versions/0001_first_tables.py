"""The first tables: experiments, circuits, runs, submissions, results, and what was learned from them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# On SQLite a numeric column would turn minus zero into zero.
DOUBLE: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.BLOB(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("codec", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_blobs"),
    )
    op.create_table(
        "experiments",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("execution_hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_experiments"),
    )
    op.create_index("ix_experiments_execution_hash", "experiments", ["execution_hash"])
    op.create_index("ix_experiments_name", "experiments", ["name"])
    op.create_table(
        "calibrations",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["blobs.hash"], name="fk_calibrations_hash_blobs"),
        sa.PrimaryKeyConstraint("hash", name="pk_calibrations"),
    )
    op.create_index("ix_calibrations_device", "calibrations", ["device"])
    op.create_table(
        "circuits",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("blob_hash", sa.String(), nullable=False),
        sa.Column("num_qubits", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.BigInteger(), nullable=False),
        sa.Column("two_qubit_gates", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("payload_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["blob_hash"], ["blobs.hash"], name="fk_circuits_blob_hash_blobs"),
        sa.PrimaryKeyConstraint("hash", name="pk_circuits"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("experiment_hash", sa.String(), nullable=False),
        sa.Column("flow_run_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("calibration_hash", sa.String(), nullable=True),
        sa.Column("backend", sa.JSON(), nullable=False),
        sa.Column("seeds", sa.JSON(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["calibration_hash"], ["calibrations.hash"], name="fk_runs_calibration_hash_calibrations"
        ),
        sa.ForeignKeyConstraint(["experiment_hash"], ["experiments.hash"], name="fk_runs_experiment_hash_experiments"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_experiment_hash", "runs", ["experiment_hash"])
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_table(
        "submissions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("replicate", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("pubs", sa.JSON(), nullable=False),
        sa.Column("payload_bytes", sa.BigInteger(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=True),
        sa.Column("calibration_hash", sa.String(), nullable=True),
        sa.Column("qpu_seconds", DOUBLE, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("job_created_at", MOMENT, nullable=True),
        sa.Column("job_started_at", MOMENT, nullable=True),
        sa.Column("job_finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["calibration_hash"], ["calibrations.hash"], name="fk_submissions_calibration_hash_calibrations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.UniqueConstraint(
            "content_hash", "replicate", "attempt", name="uq_submissions_content_hash_replicate_attempt"
        ),
        sa.UniqueConstraint("request_hash", name="uq_submissions_request_hash"),
    )
    op.create_index("ix_submissions_content_hash", "submissions", ["content_hash"])
    op.create_index("ix_submissions_job_id", "submissions", ["job_id"])
    op.create_index("ix_submissions_state", "submissions", ["state"])
    op.create_table(
        "transpilations",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("circuit_hash", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["circuit_hash"], ["circuits.hash"], name="fk_transpilations_circuit_hash_circuits"),
        sa.PrimaryKeyConstraint("key", name="pk_transpilations"),
    )
    op.create_table(
        "baselines",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("observable", sa.String(), nullable=False),
        sa.Column("value", DOUBLE, nullable=False),
        sa.Column("bound", DOUBLE, nullable=True),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("certificate", sa.JSON(), nullable=False),
        sa.Column("seconds", DOUBLE, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_baselines_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "method", "observable", name="pk_baselines"),
    )
    op.create_table(
        "decisions",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_decisions_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "decided_by", name="pk_decisions"),
    )
    op.create_table(
        "estimates",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("observable", sa.String(), nullable=False),
        sa.Column("point", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", DOUBLE, nullable=False),
        sa.Column("stderr", DOUBLE, nullable=False),
        sa.Column("systematic", DOUBLE, nullable=True),
        sa.Column("shots", sa.BigInteger(), nullable=False),
        sa.Column("variance_multiplier", DOUBLE, nullable=True),
        sa.Column("exact", DOUBLE, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_estimates_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "source", "method", "observable", "point", name="pk_estimates"),
    )
    op.create_table(
        "results",
        sa.Column("submission_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("pub_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blob_hash", sa.String(), nullable=False),
        sa.Column("num_bits", sa.BigInteger(), nullable=False),
        sa.Column("shots", sa.BigInteger(), nullable=False),
        sa.Column("shape", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["blob_hash"], ["blobs.hash"], name="fk_results_blob_hash_blobs"),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.id"], name="fk_results_submission_id_submissions"),
        sa.PrimaryKeyConstraint("submission_id", "pub_index", name="pk_results"),
    )
    op.create_table(
        "run_submissions",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_submissions_run_id_runs"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_run_submissions_submission_id_submissions"
        ),
        sa.PrimaryKeyConstraint("run_id", "role", name="pk_run_submissions"),
    )
    op.create_index("ix_run_submissions_submission_id", "run_submissions", ["submission_id"])
    op.create_table(
        "spans",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_spans_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "stage", "source", "started_at", name="pk_spans"),
    )
    op.create_table(
        "stages",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("completed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_stages_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "stage", name="pk_stages"),
    )
    op.create_table(
        "status_events",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("submission_id", ROW_ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("provider_timestamp", MOMENT, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_status_events_submission_id_submissions"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_status_events"),
        sa.UniqueConstraint(
            "submission_id",
            "status",
            "provider_timestamp",
            name="uq_status_events_submission_id_status_provider_timestamp",
        ),
    )


def downgrade() -> None:
    for table in (
        "status_events",
        "stages",
        "spans",
        "run_submissions",
        "results",
        "estimates",
        "decisions",
        "baselines",
        "transpilations",
        "submissions",
        "runs",
        "circuits",
        "calibrations",
        "experiments",
        "blobs",
    ):
        op.drop_table(table)

"""Runs migrations on the connection that `prefect_qpu.records.migrate` hands over, inside its transaction."""

from alembic import context

from prefect_qpu.records.schema import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()

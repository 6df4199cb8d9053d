"""What Alembic runs: the changes, each in a transaction, on the connection that it was handed."""

from __future__ import annotations

from alembic import context

from serving.store.migrating import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

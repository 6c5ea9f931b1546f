"""Run by Alembic, on the connection that `db.migrate` hands over; one transaction a migration."""

from alembic import context

from db.tables import compare_options, load_tables

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=load_tables(),
    transaction_per_migration=True,
    **compare_options(),
)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's entry, shared by every service: runs the migrations on the connection that ``sql.migrate`` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True, transaction_per_migration=False)
context.run_migrations()

"""The database: an embedded PostgreSQL, sessions, ids, migrations, and the checks made before anything is served."""

"""`python -m db.write_migration "what changes"`: compare the models with a database migrated to head, and write the
difference as a new file under db/migrations/versions, to be read and corrected by a person."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from db.embedded import UNSAFE_BUT_QUICK, EmbeddedPostgres
from db.migrate import alembic_config, upgrade


def write_migration(message: str) -> None:
    """Against a PostgreSQL of its own, thrown away afterwards."""
    with tempfile.TemporaryDirectory(prefix="qingling-migration-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), settings=UNSAFE_BUT_QUICK, dies_with_us=True) as server:
            upgrade(server.url)
            with alembic_config(server.url) as config:
                config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
                next_number = len(list(Path(__file__).parent.glob("migrations/versions/[0-9]*.py"))) + 1
                command.revision(config, message, autogenerate=True, rev_id=f"{next_number:04}")


if __name__ == "__main__":
    write_migration(" ".join(sys.argv[1:]) or "change")

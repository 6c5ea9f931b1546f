"""What can be wrong with a database before anything is served. The text is for the operator: what is wrong and what to do.

DatabaseUnfit
├── FolderInUse        the embedded PostgreSQL of this folder belongs to another running process
├── ServerBroken       the embedded PostgreSQL cannot be set up or started
├── ServerUnsuitable   the PostgreSQL that was named is too old, or its Unicode handling is wrong
├── TablesBusy         a migration could not have the locks it needs
└── WrongMark          a demo database in production, or the other way round
"""


class DatabaseUnfit(Exception):
    """数据库目前不能使用。"""


class FolderInUse(DatabaseUnfit):
    """数据目录正在被另一个进程使用。"""


class ServerBroken(DatabaseUnfit):
    """内置 PostgreSQL 无法启动。"""


class ServerUnsuitable(DatabaseUnfit):
    """所指定的 PostgreSQL 不符合要求。"""


class TablesBusy(DatabaseUnfit):
    """数据表被占用，不能升级。"""


class WrongMark(DatabaseUnfit):
    """演示数据库与正式数据库不能混用。"""

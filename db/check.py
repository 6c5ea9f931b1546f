"""Is this PostgreSQL fit for us? Asked on every start, because a wrong one shows itself only as searches that find nothing."""

from typing import Any

import psycopg

from db.exceptions import ServerUnsuitable

OLDEST = 150000
# Each question answers true where the database knows that Chinese characters and accented letters are letters.
UNICODE_QUESTIONS = {
    "汉字长度": "char_length('企业问题') = 4",
    "lower()": "lower('ÀÉ问题') = 'àé问题'",
    "ILIKE": "'加工贸易ÉB手册' ILIKE '%易éb手%'",
    "正则表达式": r"'企业问题' ~ '^\w{4}$' AND '企业，问题' !~ '^\w+$'",
}


def check_server(connection: psycopg.Connection[Any]) -> None:
    """Raises ServerUnsuitable with what is wrong and what to do about it; changes nothing."""
    if connection.info.server_version < OLDEST:
        have = connection.info.server_version // 10000
        raise ServerUnsuitable(f"PostgreSQL 版本是 {have}，需要 {OLDEST // 10000} 或更高版本。")
    encoding = _ask(connection, "current_setting('server_encoding')")
    if encoding != "UTF8":
        raise ServerUnsuitable(f"数据库的编码是 {encoding}，需要 UTF8。{_advice(connection)}")
    wrong = [name for name, question in UNICODE_QUESTIONS.items() if _ask(connection, question) is not True]
    if wrong:
        locale = _ask(connection, "(SELECT datctype FROM pg_database WHERE datname = current_database())")
        raise ServerUnsuitable(
            f"数据库的字符分类（LC_CTYPE = {locale}）不能正确处理中文：{'、'.join(wrong)} 的结果不对，"
            f"搜索会悄悄漏掉内容。{_advice(connection)}"
        )


def _ask(connection: psycopg.Connection[Any], expression: str) -> Any:
    row = connection.execute(f"SELECT {expression}".encode()).fetchone()
    return row[0] if row else None


def _advice(connection: psycopg.Connection[Any]) -> str:
    return (
        "请新建一个数据库，例如："
        f"CREATE DATABASE {connection.info.dbname}_utf8 TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'；"
        "再让 QINGLING_DATABASE_URL 指向它。"
    )

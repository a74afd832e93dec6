"""The tasks in PostgreSQL, as both the backend and its MCP server use them."""

import os

import psycopg
from psycopg.rows import dict_row

SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  done boolean NOT NULL DEFAULT false
)
"""


def connect() -> psycopg.Connection:
    return psycopg.connect(
        os.environ["DATABASE_URL"], autocommit=True, connect_timeout=5, row_factory=dict_row
    )


def make_table() -> None:
    # Two replicas may start at once, and PostgreSQL's IF NOT EXISTS does not wait for the other one.
    with connect() as database, database.transaction():
        database.execute("SELECT pg_advisory_xact_lock(hashtext('todo'))")
        database.execute(SCHEMA)


def add(title: str) -> dict:
    with connect() as database:
        return database.execute(
            "INSERT INTO tasks (title) VALUES (%s) RETURNING id, title, done", (title,)
        ).fetchone()


def complete(task: int) -> dict | None:
    with connect() as database:
        return database.execute(
            "UPDATE tasks SET done = true WHERE id = %s RETURNING id, title, done", (task,)
        ).fetchone()


def all_tasks() -> list[dict]:
    with connect() as database:
        return database.execute("SELECT id, title, done FROM tasks ORDER BY id").fetchall()

"""What a file's tables are, in words that do not depend on who made them, and MLflow's own migrations of files."""

import re
import sqlite3


def words(sql):
    """SQL without what does not matter: blanks, case, quotes around names."""
    return re.sub(r"\s+", "", re.sub(r'"(\w+)"', r"\1", sql or "")).lower()


def parts(sql):
    """Columns and constraints of a CREATE TABLE: only here are generated columns, checks and names of constraints."""
    out, depth, part = [], 0, ""
    for letter in sql[sql.index("(") + 1:sql.rindex(")")]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            out, part = [*out, words(part)], ""
        else:
            part += letter
    return sorted([*out, words(part)])


def shape(path):
    """What SQLite says about every table: columns (name, type, not null, default, key, hidden), keys, indexes."""
    out = {}
    with sqlite3.connect(path) as db:
        for table, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
            out[table, "columns"] = [row[1:] for row in db.execute(f"PRAGMA table_xinfo('{table}')")]
            out[table, "foreign keys"] = sorted(
                row[2:] for row in db.execute(f"PRAGMA foreign_key_list('{table}')"))
            out[table, "parts"] = parts(sql)
            for _, name, unique, origin, partial in db.execute(f"PRAGMA index_list('{table}')").fetchall():
                columns = [row[1:] for row in db.execute(f"PRAGMA index_xinfo('{name}')")]
                text = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]
                key = name if text else (origin, *(column[1] for column in columns))
                out[table, "index", key] = (unique, origin, partial, columns, words(text))
        others = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
        for kind, name, sql in db.execute(others):
            out[kind, name] = words(sql)
    db.close()
    return out


def rows(path):
    """Of every table that has some, sorted."""
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: sorted(db.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr) for table in tables}
    db.close()
    return {table: content for table, content in found.items() if content}


class Migrations:
    """MLflow's own, from the head of 2.14.0 on."""

    FIRST = "5b0e9adcef9c"

    def __init__(self):
        from alembic.script import ScriptDirectory
        from mlflow.store.db import utils
        self.utils = utils
        script = ScriptDirectory.from_config(utils._get_alembic_config("sqlite://"))
        every = [revision.revision for revision in script.walk_revisions()][::-1]
        self.heads = every[every.index(self.FIRST):]

    def make(self, path):
        """MLflow's first tables, at the head of 2.14.0."""
        from mlflow.store.tracking.dbmodels import initial_models
        engine = self.utils.create_sqlalchemy_engine(f"sqlite:///{path}")
        initial_models.Base.metadata.create_all(engine)
        engine.dispose()
        self.upgrade(path, self.FIRST)

    def upgrade(self, path, to):
        from alembic import command
        engine = self.utils.create_sqlalchemy_engine(f"sqlite:///{path}")
        config = self.utils._get_alembic_config(f"sqlite:///{path}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
        engine.dispose()

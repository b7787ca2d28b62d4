"""Compares a database's real schema with the program's, and lists what is missing, different or foreign.

A missing column makes a step fail later. A foreign trigger, rule, view, function or policy can undo an act inside its own
transaction. Therefore a store with another schema is not opened. SQLite keeps the SQL that created each object, which is
compared as text. PostgreSQL keeps a catalog, which is compared object by object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.schema import CreateIndex, CreateTable

from masking.database.engine import reading
from masking.errors import SettingsError

_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""The table that Alembic creates for itself."""

_NAMED = 5
"""The most differences that one error names."""


def check_schema(engine: Engine, metadata: sa.MetaData, name: str) -> None:
    """Refuse a database whose schema is not this program's. `name` is "data" or "keys".

    Raises:
        SettingsError: the schema differs. The error names what is missing, different or foreign.
        UnavailableError: the database could not be read.
    """
    with reading(engine) as tx:
        found = differences(tx, metadata)
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise SettingsError(
            f"the schema of the {name} database is not this program's: {'; '.join(found[:_NAMED])}{more}. "
            "Find out who changed it; then remove what is foreign, or restore a backup of this version"
        )


def differences(tx: Connection, metadata: sa.MetaData) -> list[str]:
    """The differences between the schema of this database and `metadata`, each in a few words."""
    tables = [*metadata.tables.values(), _VERSION]
    look = _in_postgresql if tx.dialect.name == "postgresql" else _in_sqlite
    return sorted(set(look(tx, tables)), key=lambda each: (not each.endswith("missing"), each))


def _in_sqlite(tx: Connection, tables: Iterable[sa.Table]) -> Iterator[str]:
    rows = tx.exec_driver_sql(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    real = {(kind, name): (table, _plain(text or "")) for kind, name, table, text in rows}
    for table in tables:
        text = real.pop(("table", table.name), None)
        if text is None:
            yield f"table {table.name} is missing"
            continue
        if text[1] != _plain(_made(table)):
            yield from _columns_in_sqlite(tx, table) or [f"table {table.name} is declared differently"]
        for index in table.indexes:
            made = real.pop(("index", str(index.name)), None)
            if made is None:
                yield f"index {index.name} of {table.name} is missing"
            elif made[1] != _plain(_made_index(index)):
                yield f"index {index.name} of {table.name} is declared differently"
    for (kind, name), (table, _) in real.items():
        yield f"{kind} {name}{'' if name == table else f' of {table}'} is not the program's"


def _columns_in_sqlite(tx: Connection, table: sa.Table) -> list[str]:
    rows = tx.exec_driver_sql(f'PRAGMA table_xinfo("{table.name}")')
    real = {row[1]: (row[2], bool(row[3])) for row in rows}
    wanted = {each.name: (each.type.compile(sqlite.dialect()), not each.nullable) for each in table.columns}
    return _compared(table.name, real, wanted)


@cache
def _made(table: sa.Table) -> str:
    return str(CreateTable(table).compile(dialect=sqlite.dialect()))


@cache
def _made_index(index: sa.Index) -> str:
    return str(CreateIndex(index).compile(dialect=sqlite.dialect()))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _compared(table: str, real: dict[str, tuple[str, bool]], wanted: dict[str, tuple[str, bool]]) -> list[str]:
    """The differences between the columns of a table. A column is given by its type and whether it is required."""
    missing = [f"{table}.{name} is missing" for name in wanted.keys() - real.keys()]
    foreign = [f"{table}.{name} is not the program's" for name in real.keys() - wanted.keys()]
    other = [
        f"{table}.{name} is {_said(*real[name])} and should be {_said(*kind)}"
        for name, kind in wanted.items()
        if name in real and real[name] != kind
    ]
    return missing + foreign + other


def _said(kind: str, required: bool) -> str:
    return f"{kind}{' NOT NULL' if required else ''}"


_RELATIONS = """
SELECT c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity OR c.relforcerowsecurity,
       EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)),
       c.oid = to_regclass(quote_ident(c.relname))::oid
FROM pg_class c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind NOT IN ('i', 'I', 't')
AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
"""
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity::text || a.attgenerated::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
AND a.attnum > 0 AND NOT a.attisdropped
"""
_CONSTRAINTS = """
SELECT c.relname, k.contype::text, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND k.contype <> 'n'
"""
_INDEXES = """
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid), x.indisvalid
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
"""
_FOREIGN = """
WITH of_extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
here AS (SELECT oid, relkind FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace)
SELECT 'trigger', t.tgname || ' of ' || t.tgrelid::regclass
FROM pg_trigger t JOIN here ON here.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL SELECT 'disabled constraint', 'of ' || t.tgrelid::regclass
FROM pg_trigger t JOIN here ON here.oid = t.tgrelid WHERE t.tgisinternal AND t.tgenabled <> 'O'
UNION ALL SELECT 'rule', r.rulename || ' of ' || r.ev_class::regclass
FROM pg_rewrite r JOIN here ON here.oid = r.ev_class WHERE here.relkind = 'r'
UNION ALL SELECT 'policy', p.polname || ' of ' || p.polrelid::regclass
FROM pg_policy p JOIN here ON here.oid = p.polrelid
UNION ALL SELECT 'function', proname FROM pg_proc
WHERE pronamespace = quote_ident(current_schema())::regnamespace
AND ('pg_proc'::regclass, oid) NOT IN (SELECT * FROM of_extensions)
UNION ALL SELECT 'operator', oprname FROM pg_operator
WHERE oprnamespace = quote_ident(current_schema())::regnamespace
AND ('pg_operator'::regclass, oid) NOT IN (SELECT * FROM of_extensions)
UNION ALL SELECT 'cast', format_type(castsource, NULL) || ' to ' || format_type(casttarget, NULL) FROM pg_cast
WHERE oid >= 16384 AND ('pg_cast'::regclass, oid) NOT IN (SELECT * FROM of_extensions)
UNION ALL SELECT 'event trigger', evtname FROM pg_event_trigger
WHERE ('pg_event_trigger'::regclass, oid) NOT IN (SELECT * FROM of_extensions)
"""
_KINDS = {
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "f": "foreign table",
    "p": "partitioned table",
    "c": "type",
}


def _in_postgresql(tx: Connection, tables: Iterable[sa.Table]) -> Iterator[str]:
    wanted = {table.name: table for table in tables}
    real = set()
    for name, kind, persistence, secured, inherits, seen in tx.exec_driver_sql(_RELATIONS):
        if name not in wanted or kind != "r":
            yield f"{_KINDS.get(kind, 'table')} {name} is not the program's"
            continue
        real.add(name)
        if persistence != "p":
            yield f"table {name} is not logged, so that a crash empties it"
        if secured:
            yield f"table {name} has row security"
        if inherits:
            yield f"table {name} inherits, or is inherited from"
        if not seen:
            yield f"table {name} is hidden behind another one of the search path"
    yield from (f"table {name} is missing" for name in wanted.keys() - real)
    there = {name: table for name, table in wanted.items() if name in real}
    yield from _columns_in_postgresql(tx, there)
    yield from _constraints(tx, there)
    yield from _indexes(tx, there)
    for kind, name in tx.exec_driver_sql(_FOREIGN):
        yield f"{kind} {name} is not the program's"


def _columns_in_postgresql(tx: Connection, tables: dict[str, sa.Table]) -> Iterator[str]:
    real: dict[str, dict[str, tuple[str, bool]]] = {name: {} for name in tables}
    for name, column, kind, required, default, generated in tx.exec_driver_sql(_COLUMNS):
        if name in tables:
            real[name][column] = (kind, required)
            known = tables[name].columns.get(column)
            expected = known is not None and known.server_default is not None
            if generated or (default is not None) != expected:
                yield f"{name}.{column} has another default"
    for name, table in tables.items():
        columns = {each.name: (_kind(each, tx.dialect), not each.nullable) for each in table.columns}
        yield from _compared(name, real[name], columns)


def _kind(column: sa.Column[object], dialect: sa.Dialect) -> str:
    return column.type.compile(dialect).lower().replace("varchar", "character varying")


def _constraints(tx: Connection, tables: dict[str, sa.Table]) -> Iterator[str]:
    """Compare a check by its name, since the server rewrites its text, and other constraints by their definitions."""
    rows = [row for row in tx.exec_driver_sql(_CONSTRAINTS) if row[0] in tables]
    real = {(name, named if kind == "c" else _unquoted(text)) for name, kind, named, text in rows}
    wanted = {(name, said) for name, table in tables.items() for said in map(_constraint, table.constraints)}
    yield from (f"constraint {said} of {name} is missing" for name, said in wanted - real)
    yield from (f"constraint {said} of {name} is not the program's" for name, said in real - wanted)


def _constraint(constraint: sa.Constraint) -> str:
    match constraint:
        case sa.ForeignKeyConstraint():
            there = ", ".join(each.column.name for each in constraint.elements)
            columns = ", ".join(constraint.column_keys)
            return f"FOREIGN KEY ({columns}) REFERENCES {constraint.referred_table.name}({there})"
        case sa.PrimaryKeyConstraint():
            return f"PRIMARY KEY ({', '.join(constraint.columns.keys())})"
        case sa.UniqueConstraint():
            return f"UNIQUE ({', '.join(constraint.columns.keys())})"
        case _:
            return str(constraint.name)


def _indexes(tx: Connection, tables: dict[str, sa.Table]) -> Iterator[str]:
    schema = tx.exec_driver_sql("SELECT current_schema()").scalar_one()
    rows = [row for row in tx.exec_driver_sql(_INDEXES) if row[0] in tables]
    real = {index: (name, _unquoted(text) if valid else "") for name, index, text, valid in rows}
    wanted = {
        str(index.name): (name, _index(index, schema)) for name, table in tables.items() for index in table.indexes
    }
    for index, made in wanted.items():
        if index not in real:
            yield f"index {index} of {made[0]} is missing"
        elif real[index] != made:
            yield f"index {index} of {made[0]} is declared differently, or not valid"
    yield from (f"index {index} of {real[index][0]} is not the program's" for index in real.keys() - wanted.keys())


def _index(index: sa.Index, schema: str) -> str:
    where = index.dialect_options["postgresql"]["where"]
    columns = ", ".join(each.name for each in index.columns)
    made = f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {index.name} ON {schema}.{index.table} USING btree ({columns})"
    return made if where is None else f"{made} WHERE ({where})"


def _unquoted(text: str) -> str:
    """A definition without the quotes that the server puts around names that are SQL keywords. Our names need none."""
    return text.replace('"', "")

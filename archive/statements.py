"""The few statements that run for every single image, composed once.

The ORM composes its SQL anew at each call, which costs more than SQLite needs to run it. Tables, columns
and the way values are stored still come from the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Field, ForeignKey, IntegerField, Model, TextField


def row_insert(model: type[Model], **values: Any) -> int:
    """Insert a row with a value for each of its columns but the key, by attribute, and return that key.

    No default is filled in, no instance is made, and no signal is sent.
    """
    database = connections[DEFAULT_DB_ALIAS]
    sql, fields = _insert(model, database.vendor)
    stored = [
        field.get_db_prep_save(values[name], database) if prepared else values[name]
        for field, name, prepared in fields
    ]
    assert len(values) == len(stored)
    key: int = _run(database, sql, stored).fetchone()[0]
    return key


def row_create(row: Model) -> None:
    """Insert a new instance of a model as it stands and give it its key, without signals."""
    values = {field.attname: getattr(row, field.attname) for field in _stored_fields(type(row))}
    row.pk = row_insert(type(row), **values)
    row._state.adding = False
    row._state.db = DEFAULT_DB_ALIAS


def row_count(model: type[Model], *, where: Mapping[str, Any], add: Mapping[str, int], **put: Any) -> bool:
    """Add to counters and set columns of the one row that has these values; False when there is no such
    row.
    """
    database = connections[DEFAULT_DB_ALIAS]
    sql, fields = _update(model, tuple(add), tuple(put), tuple(where), database.vendor)
    values = (*add.values(), *put.values(), *where.values())
    stored = [
        field.get_db_prep_save(value, database) if prepared else value
        for (field, prepared), value in zip(fields, values, strict=True)
    ]
    return bool(_run(database, sql, stored).rowcount == 1)


def rows_read(
    model: type[Model], columns: tuple[str, ...], *, where: str, value: Any
) -> list[tuple[Any, ...]]:
    """Plain columns (texts and whole numbers) of the rows whose ``where`` has this value."""
    database = connections[DEFAULT_DB_ALIAS]
    return list(_run(database, _select(model, columns, where, database.vendor), [value]).fetchall())


def _run(database: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> Any:
    """The cursor of an executed statement, with the errors and the checks that Django's cursors have.

    On SQLite the driver is asked directly: Django's wrappers cost more than the statement.
    """
    if database.vendor != "sqlite" or database.execute_wrappers or database.queries_logged:
        cursor = database.cursor()
        cursor.execute(sql, values)
        return cursor
    if database.needs_rollback:
        database.validate_no_broken_transaction()
    if database.connection is None:
        database.ensure_connection()
    with database.wrap_database_errors:
        return database.connection.execute(_marked(sql), values)


@lru_cache(maxsize=64)
def _marked(sql: str) -> str:
    return sql.replace("%s", "?")


@lru_cache(maxsize=32)
def _select(model: type[Model], columns: tuple[str, ...], where: str, vendor: str) -> str:
    fields = {field.name: _column(field) for field in model._meta.concrete_fields}
    wanted = ", ".join(fields[name] for name in columns)
    return f"SELECT {wanted} FROM {_quoted(model._meta.db_table)} WHERE {fields[where]} = %s"  # noqa: S608


def _prepared(field: Field[Any, Any]) -> bool:
    """Whether a value of this field has to be prepared for the database; texts and numbers are stored as
    they are."""
    if isinstance(field, ForeignKey):
        return False  # attname holds the key
    return not isinstance(field, CharField | TextField | IntegerField)


@lru_cache(maxsize=32)
def _stored_fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)


@lru_cache(maxsize=32)
def _insert(model: type[Model], vendor: str) -> tuple[str, tuple[tuple[Field[Any, Any], str, bool], ...]]:
    fields = _stored_fields(model)
    names = ", ".join(_column(field) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    key = model._meta.pk
    assert key is not None
    table = _quoted(model._meta.db_table)
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING {_column(key)}"  # noqa: S608
    return sql, tuple((field, field.attname, _prepared(field)) for field in fields)


@lru_cache(maxsize=32)
def _update(
    model: type[Model], add: tuple[str, ...], put: tuple[str, ...], where: tuple[str, ...], vendor: str
) -> tuple[str, tuple[tuple[Field[Any, Any], bool], ...]]:
    fields = {field.name: field for field in model._meta.concrete_fields}
    columns = {name: _column(field) for name, field in fields.items()}
    changes = [f"{columns[name]} = {columns[name]} + %s" for name in add]
    changes += [f"{columns[name]} = %s" for name in put]
    condition = " AND ".join(f"{columns[name]} = %s" for name in where)
    sql = f"UPDATE {_quoted(model._meta.db_table)} SET {', '.join(changes)} WHERE {condition}"  # noqa: S608
    used = [fields[name] for name in (*add, *put, *where)]
    return sql, tuple((field, _prepared(field)) for field in used)


def _column(field: Field[Any, Any]) -> str:
    assert field.column is not None  # a concrete field has one
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name)

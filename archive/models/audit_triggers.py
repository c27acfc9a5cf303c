"""The database itself refuses to change or remove audit rows, whoever asks.

``triggers_ensure`` runs after every ``migrate`` and may run again: SQLite drops a table's triggers whenever a
migration rebuilds the table. The one change allowed is the one that happens when a user is deleted:
``actor`` becomes NULL, the name stays.
"""

from __future__ import annotations

from typing import Final

from django.db import connections

TABLE: Final = "archive_auditevent"
REFUSAL: Final = "audit events are only added, never changed or deleted"

_SQLITE: Final = (
    f"""CREATE TRIGGER IF NOT EXISTS audit_never_deleted BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS audit_never_changed BEFORE UPDATE OF id, at, action, actor_name, source,
        study_instance_uid, patient_id, object, success, detail ON {TABLE}
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS audit_actor_only_forgotten BEFORE UPDATE OF actor_id ON {TABLE}
        WHEN NEW.actor_id IS NOT NULL
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
)
_POSTGRESQL: Final = (
    f"""CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND NEW.actor_id IS NULL
               AND to_jsonb(NEW) - 'actor_id' = to_jsonb(OLD) - 'actor_id' THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '{REFUSAL}';
        END $$""",
    f"""CREATE OR REPLACE TRIGGER audit_never_changed BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION audit_refuse()""",
)
_NAMES: Final = ("audit_never_deleted", "audit_never_changed", "audit_actor_only_forgotten")


def triggers_ensure(using: str = "default") -> None:
    """Put the triggers on the audit table of this database, unless they are there or the table is not yet."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    statements = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def triggers_remove(using: str = "default") -> None:
    """Take the triggers away: for a site that must delete rows older than its law lets it keep."""
    connection = connections[using]
    of_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in _NAMES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{of_table}")

"""Settings of a server under test: the real ones, with tables straight from the models (quicker)."""

from pacs_site.settings import *  # noqa: F403

_MIGRATED = "admin auth axes contenttypes sessions django_tasks_database archive dicomnet viewer"
MIGRATION_MODULES = dict.fromkeys(_MIGRATED.split())

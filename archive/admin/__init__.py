"""Pages of the admin: archive, audit trail, people."""

from archive.admin import audit, browse, jobs, people, quarantine

__all__ = ["audit", "browse", "jobs", "people", "quarantine"]

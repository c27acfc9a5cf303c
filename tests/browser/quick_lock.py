"""Settings of a site that locks after four seconds."""

from pacs_site.settings import *  # noqa: F403

IDLE_LOCK_SECONDS = 4

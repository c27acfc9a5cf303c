"""Settings of the tests: a data folder of their own, quick password hashes, a file database."""

import os
import tempfile
from pathlib import Path

_root = Path(os.environ.setdefault("PACS_TEST_DIR", tempfile.mkdtemp(prefix="lightbox-tests-")))
os.environ["PACS_DATA_DIR"] = str(_root / os.environ.get("PYTEST_XDIST_WORKER", "main"))
os.environ["PACS_TIME_ZONE"] = "UTC"
for _name in ("PACS_PUBLIC_URL", "PACS_STORE_URL", "PACS_UNKNOWN_AE", "PACS_AE_TITLE"):
    os.environ[_name] = ""
os.environ["DATABASE_URL"] = os.environ.get("PACS_TEST_DATABASE_URL", "")

from pacs_site.settings import *  # noqa: E402, F403
from pacs_site.settings import DATA_DIR, DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # Sockets and threads need a file: an in-memory database has one connection.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
PACS_AUDIT_TRIGGERS = False  # tests flush tables; the triggers have tests of their own
(DATA_DIR / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns about a missing folder

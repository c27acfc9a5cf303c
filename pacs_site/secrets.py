"""Secrets made on the first run and kept in the data folder, readable by its owner only."""

import os
import secrets as _secrets
from pathlib import Path


class DataFolderError(Exception):
    """The data folder cannot be used. The message says which folder and why."""


def secret_key(data_dir: Path) -> str:
    """Return Django's signing key, making it on the first call.

    Safe when several processes start at once: the first to link its file wins.
    Raises ``DataFolderError`` when the folder cannot be made or written.
    """
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = data_dir / f".secret_key.{os.getpid()}"
            draft.write_text(_secrets.token_urlsafe(64))
            draft.chmod(0o600)
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise DataFolderError(
            f"The data folder {data_dir} cannot be used: {error.strerror}. "
            "Give PACS_DATA_DIR a folder you may write to."
        ) from error

"""The web server's process: daphne with our limits.

``python -m pacs_site.web HOST PORT``. Websocket messages are capped at ``MESSAGE_BYTES`` both ways.
"""

import os
import sys

from daphne.cli import CommandLineInterface

from pacs_site import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs_site.settings")


def main(host: str, port: str) -> None:
    (env.read().data_dir / "static").mkdir(parents=True, exist_ok=True)  # whitenoise wants it to be there
    CommandLineInterface().run(
        [
            "-b",
            host,
            "-p",
            port,
            "-v",
            "0",
            "--no-server-name",
            "--proxy-headers",
            "pacs_site.asgi:application",
        ]
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])

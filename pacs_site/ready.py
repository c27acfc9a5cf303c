"""Is the site answering? Asked by the supervisor while the services start."""

import http.client


def services_ready(host: str, port: int) -> bool:
    """True when `/healthz` says that every part is well."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(target, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

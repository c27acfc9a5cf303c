"""Django settings, one flat file. What a site can choose comes from ``pacs_site.env``."""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from pacs_site import env, logs, secrets

try:
    ENV = env.read()
    SECRET_KEY = secrets.secret_key(ENV.data_dir)
except (env.ConfigurationError, secrets.DataFolderError) as error:
    raise ImproperlyConfigured(str(error)) from None

ROOT: Path = env.ROOT
DATA_DIR: Path = ENV.data_dir

DEBUG = ENV.debug
ALLOWED_HOSTS = sorted({ENV.public_host, ENV.http_host, "127.0.0.1", "localhost", "[::1]"})
CSRF_TRUSTED_ORIGINS = [ENV.public_url]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.https else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = ENV.https
SECURE_HSTS_SECONDS = 31_536_000 if ENV.https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Session cookies are named after the port, so that two archives on one host do not log each other out.
SESSION_COOKIE_NAME = f"lightbox_session_{ENV.http_port}"
CSRF_COOKIE_NAME = f"lightbox_csrf_{ENV.http_port}"
IDLE_LOCK_SECONDS = ENV.idle_lock_minutes * 60

INSTALLED_APPS = [
    "archive.apps.AdministrationConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "channels",
    "axes",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "archive",
    "dicomnet",
    "viewer",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "viewer.middleware.LanguageOfUserMiddleware",
    "viewer.middleware.IdleLockMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "study-list"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "viewer/locked_out.html"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # the list of users says who is locked out, and lets them in again

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}

ROOT_URLCONF = "pacs_site.urls"
ASGI_APPLICATION = "pacs_site.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "viewer.context.portal",
            ],
        },
    }
]

if ENV.database_url:
    DATABASES = {"default": environ.Env.db_url_config(ENV.database_url)}
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DATA_DIR / "pacs.sqlite3"),
            "OPTIONS": {
                # A reader must never wait for a writer, and a writer must wait, not fail.
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                # FULL: a committed row survives a power cut. Success is answered only after it.
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                    "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=8000;"
                ),
            },
            "TEST": {"NAME": None},
        }
    }

TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend",
        # interactive: a person is waiting for the answer (echo, probe, remote query)
        # commit: a device waits for the result, and files are read back for it
        "QUEUES": ["default", "interactive", "print", "commit"],
    }
}

# Lanes of `runjobs` whose queue is a table of the room itself: what runs them.
LANES_OF_THEIR_OWN = {"send": "dicomnet.sending_lane.lane_run"}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [ROOT / "pacs_site" / "locale"]
TIME_ZONE = ENV.time_zone
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 60

FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 << 20

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}

LOGGING = logs.configuration()

# What the product calls itself and where it listens: read through django.conf.settings only.
PACS_NAME = _("Lightbox PACS")
PACS_AE_TITLE = ENV.ae_title
PACS_DICOM_HOST = ENV.dicom_host
PACS_DICOM_PORT = ENV.dicom_port
PACS_DICOM_PROCESSES = ENV.dicom_processes
PACS_DICOM_TLS_PORT = ENV.tls.port
PACS_DICOM_TLS_CERT = ENV.tls.cert
PACS_DICOM_TLS_KEY = ENV.tls.key
PACS_DICOM_TLS_CA = ENV.tls.ca
PACS_DICOM_TLS_CLIENT = ENV.tls.client
PACS_ACCEPT_UNKNOWN_AE = ENV.accept_unknown_ae
PACS_DIARY_DAYS = ENV.diary_days
PACS_TRANSFER_DAYS = ENV.transfer_days
PACS_STORE_URL = ENV.store_url
PACS_PUBLIC_URL = ENV.public_url
PACS_HOUSEKEEPING = [  # beside the archive's own
    "dicomnet.diary.writing.diary_keep",
    "dicomnet.keeping.transfers_keep",
]
PACS_AUDIT_TRIGGERS = True  # the database refuses to change the audit trail

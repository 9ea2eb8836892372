"""Settings of the endpoint as a Django project: the ones of authentik that its API needs.

authentik also has some twenty middlewares, signals that write an audit log, and policies. Without them, this project is
faster than authentik.
"""

import os

SECRET_KEY = "for measurements only; neither sessions nor forms are served"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "sms"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["sms.access.TokenAuthentication"],
    "DEFAULT_FILTER_BACKENDS": ["sms.access.ObjectFilter"],
    "DEFAULT_PERMISSION_CLASSES": ["sms.access.ObjectPermissions"],
    "DEFAULT_PARSER_CLASSES": ["drf_orjson_renderer.parsers.ORJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["drf_orjson_renderer.renderers.ORJSONRenderer"],
    "EXCEPTION_HANDLER": "sms.errors.exception_handler",
}

if "POSTGRESQL_FOLDER" in os.environ:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["POSTGRESQL_FOLDER"],
        "NAME": "postgres",
        "USER": "peers",
    }
else:
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["SQLITE_FILE"],
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
            "transaction_mode": "IMMEDIATE",
        },
    }
# Each worker keeps one connection open.
DATABASES = {"default": {**database, "CONN_MAX_AGE": None}}

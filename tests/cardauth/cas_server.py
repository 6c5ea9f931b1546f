"""A real CAS server, django-mama-cas on Django, as a program of its own: `python -m tests.cardauth.cas_server FOLDER SERVICE`.

It keeps its database in FOLDER, gives tickets to services whose address begins with SERVICE and tells them of a log-out. It
prints its address on the first line, and ends when its standard input does. There is one account, wang / Wang-12345.
"""

import logging
import re
import secrets
import sys
import threading
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

USER, PASSWORD, PHONE = "wang", "Wang-12345", "13900000001"


def send_attributes(user: Any, service: str) -> dict[str, Any]:
    """What the server says about an account besides its name."""
    return {"mobile": PHONE, "displayName": user.get_full_name(), "groups": ["customs", "staff"]}


def configure(folder: Path, service: str) -> None:
    """Django's settings: as little of Django as a CAS server needs."""
    settings.configure(
        SECRET_KEY=secrets.token_hex(32),
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="mama_cas.urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "cas.sqlite"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "mama_cas",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick: nobody's password
        MAMA_CAS_SERVICES=[
            {
                "SERVICE": "^" + re.escape(service),
                "CALLBACKS": ["tests.cardauth.cas_server.send_attributes"],
                "LOGOUT_ALLOW": True,
            }
        ],
    )
    django.setup()


def main(folder: Path, service: str) -> None:
    """Serve until standard input ends."""
    configure(folder, service)
    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model

    get_user_model().objects.create_user(USER, password=PASSWORD, first_name="小明", last_name="王")
    logging.disable()
    with ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler) as server:
        server.daemon_threads = True
        server.set_app(get_wsgi_application())  # pyright: ignore[reportArgumentType]
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

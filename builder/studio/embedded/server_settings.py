"""Django settings of a Label Studio with roles: its own settings, the keys of its pages, and the guard behind all.

A server elsewhere gets roles by `pip install`ing this package beside Label Studio and starting it with
`DJANGO_SETTINGS_MODULE=builder.studio.embedded.server_settings`.
"""

# ruff: noqa: E402, F403 - the settings of Django are the names of a module, which are all taken over
from label_studio.core.settings.base import *

# The next import reads these through Django while this module is loading, then sets them from the environment.
SENTRY_DSN = FRONTEND_SENTRY_DSN = ""
SENTRY_ENVIRONMENT = FRONTEND_SENTRY_ENVIRONMENT = "opensource"

from label_studio.core.settings import label_studio as _theirs
from label_studio.core.settings.label_studio import *

MIDDLEWARE = [
    *_theirs.MIDDLEWARE,
    "builder.studio.embedded.page_keys.PageKeys",
    "builder.studio.embedded.roles.Guard",
]

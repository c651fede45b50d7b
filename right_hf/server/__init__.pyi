from .app import create_app as create_app
from .refused import RefusedError as RefusedError
from .run import is_local as is_local
from .run import listen as listen
from .run import serve as serve
from .service import Service as Service
from .settings import ServerSettings as ServerSettings

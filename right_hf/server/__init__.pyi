from .app import create_app as create_app
from .refused import RefusedError as RefusedError
from .run import serve as serve
from .service import Service as Service
from .settings import ServerSettings as ServerSettings

from .app import create_app as create_app
from .refusal import Refusal as Refusal
from .run import serve as serve
from .service import Service as Service
from .settings import ServerSettings as ServerSettings

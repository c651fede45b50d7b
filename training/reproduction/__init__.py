"""The paper's experiments: plans, tables and figures, and what only they need. Importing it registers SEGTRM."""

import reproduction.segtrm  # noqa: F401

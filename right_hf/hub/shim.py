"""What lets `trust_remote_code=True` load a checkpoint where right_hf is installed but not imported.

transformers copies this file's twin in the checkpoint, `right_hub.py`, and imports it; that imports the package, which
registers itself. The code that runs is always that of the package.
"""

from __future__ import annotations

from typing import Any

SHIM_FILE = "right_hub.py"
SHIM = '''"""Lets transformers load this checkpoint through the package right_hf, which holds all of its code."""

try:
    from right_hf import HashtagRecommendationPipeline, RightConfig, RightModel
except ModuleNotFoundError as error:
    if error.name != "right_hf":
        raise
    raise ImportError(
        "This checkpoint needs the package right_hf. Install it with `pip install right_hf`; after `import right_hf` "
        "it loads without trust_remote_code."
    ) from error

__all__ = ["HashtagRecommendationPipeline", "RightConfig", "RightModel"]
'''

#: Entries of config.json that name the shim; transformers reads them before it knows the type "right".
REMOTE_CODE: dict[str, Any] = {
    "auto_map": {"AutoConfig": "right_hub.RightConfig", "AutoModel": "right_hub.RightModel"},
    "custom_pipelines": {
        "hashtag-recommendation": {
            "impl": "right_hub.HashtagRecommendationPipeline",
            "pt": ["AutoModel"],
            "type": "text",
        }
    },
}

r"""Writes a tuned LLM, its adapter merged, as a plain model folder for a server such as vLLM.

    python training/export_merged.py --generator user/right-qwen --output runs/served
    vllm serve runs/served --served-model-name right

GENERATOR is a folder or a Hub id, of the generator or of a whole checkpoint. A chat generator asks the server with the
prompts of the tuning: ChatGenerator(HubChatClient("right", base_url="http://localhost:8000/v1"), template="short").

With --vocabulary POSTS, a data set or a file, the model keeps the tokens alone that these posts and their hashtags use.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from serving import export_for_serving

from right_hf.data import load_split
from right_hf.generator import DecoderGenerator
from right_hf.generator.vocabulary_cut import with_cut_vocabulary


def main() -> None:
    """Reads the command line, loads, merges and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--revision", help="branch, tag or commit of the generator on the Hub")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--dtype", default="float32", help="in which the adapter is merged (default: float32)")
    parser.add_argument("--vocabulary", metavar="POSTS", help="leave out the tokens that these posts do not use")
    arguments = parser.parse_args()

    load: Any = DecoderGenerator.from_pretrained  # whose own options only its signature shows
    generator = load(arguments.generator, revision=arguments.revision, dtype=arguments.dtype)
    if arguments.vocabulary is not None:
        generator = with_cut_vocabulary(generator, load_split(arguments.vocabulary))
    export_for_serving(generator, arguments.output)
    prompt = f"language {generator.format.language!r}, template {generator.format.template!r}"
    sys.stdout.write(f"{arguments.output}: a whole model; ask it with {prompt}\n")


if __name__ == "__main__":
    main()

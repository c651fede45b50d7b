"""Generators: read a post and selected hashtags and write the answer."""

from right_hf.generator.base import Generation, Generator
from right_hf.generator.chat import ChatGenerator
from right_hf.generator.chat_client import ChatClient, ChatError, HubChatClient
from right_hf.generator.chat_requests import Requests
from right_hf.generator.chat_store import AnswerStore
from right_hf.generator.decoder import DecoderGenerator
from right_hf.generator.hashtags import is_hashtag, parse_hashtags
from right_hf.generator.local_chat import LocalChatClient
from right_hf.generator.seq2seq import Seq2SeqGenerator

__all__ = [
    "AnswerStore",
    "ChatClient",
    "ChatError",
    "ChatGenerator",
    "DecoderGenerator",
    "Generation",
    "Generator",
    "HubChatClient",
    "LocalChatClient",
    "Requests",
    "Seq2SeqGenerator",
    "is_hashtag",
    "parse_hashtags",
]

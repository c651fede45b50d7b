"""What requests and answers hold, as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from right_hf.completion import Completed
from right_hf.ranker.records import Recommendation
from right_hf.server.service import Trend

Style = Literal["common", "pascal", "lower", "words"]
Platform = Literal["mastodon", "bluesky", "x", "instagram", "weibo"]
#: Of one post, or of each of several.
Recommended = list[Recommendation] | list[list[Recommendation]]

_Hashtags = Annotated[tuple[str, ...], Strict(False)]
_Several = Field(min_length=1)
#: How deep a list may go; what comes after is noise.
_Few = Annotated[int, Field(ge=1, le=100)]
#: Seconds since 1970, within the years that dates know.
_Seconds = Annotated[float, Field(ge=-6e10, le=2.5e11)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Wishes(_Strict):
    """Which hashtags are suggested, and how they are shown: as the arguments of `model.recommend`."""

    top_k: _Few = Field(5, description="At most so many hashtags a post.")
    threshold: float | None = Field(
        None, ge=0, le=1, description="Only hashtags with at least this score; null for what the checkpoint says."
    )
    style: Style = Field("common", description="How hashtags are shown: IoT, IotDevices, iotdevices or iot devices.")
    platform: Platform | None = Field(None, description="Only what it links; null for what all but Weibo link.")
    allowed: Annotated[_Hashtags, _Several] | None = Field(None, description="Only these.")
    preferred: _Hashtags | None = Field(None, description="These rank higher.")
    blocked: _Hashtags | None = Field(None, description="None of these.")
    min_count: int = Field(0, ge=0, le=2**31, description="Only hashtags that so many posts of the corpus carry.")
    diversity: float = Field(0.0, ge=0, le=1, description="How much a hashtag loses that is like one before it.")
    include_present: bool = Field(False, description="Whether hashtags that the post has already are suggested too.")
    now: _Seconds | str | None = Field(
        None, description="When the posts are written, ISO 8601 or seconds since 1970; null for the present."
    )


class PostText(BaseModel):
    """A post as an object; whatever else it has is passed over."""

    model_config = ConfigDict(strict=True)

    text: str


class RecommendRequest(Wishes):
    """One post or several, and what is wished for."""

    posts: str | PostText | Annotated[list[str | PostText], _Several] = Field(description="One gives one list.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"posts": "Scaling Erlang cluster to 10k nodes at WhatsApp"},
                {
                    "posts": ["Our IoT devices now run on Kubernetes", "A visual guide to the Go memory allocator"],
                    "top_k": 3,
                    "threshold": 0.1,
                    "platform": "mastodon",
                    "blocked": ["news"],
                },
            ]
        }
    )


class PostRecord(_Strict):
    """A post with the hashtags that its author gave it, see [`right_hf.Post`]."""

    id: str
    text: str
    hashtags: list[str] = Field(default_factory=list)
    created_at: str | None = Field(None, description="ISO 8601; /trending counts posts that have it.")
    license: str | None = None
    author: str | None = Field(None, description="A mark such as a keyed hash, never a name.")
    spellings: list[str] = Field(default_factory=list, description="Each hashtag as its author wrote it.")
    basis: str | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "42",
                    "text": "WVD is now Azure Virtual Desktop",
                    "hashtags": ["#AzureVirtualDesktop"],
                    "created_at": "2021-06-07T09:00:00Z",
                }
            ]
        }
    )


#: One post or several.
Records = PostRecord | Annotated[list[PostRecord], _Several]


class Changed(BaseModel):
    """A change that was made, and is on disk."""

    changed: int = Field(description="Posts that came, went or were replaced.")
    posts: int = Field(description="Posts of the corpus after it.")


class Completions(BaseModel):
    """The hashtags that begin as asked, in most use first."""

    hashtags: list[Completed]


class Trends(BaseModel):
    """Hashtags that are in use at this moment, best first."""

    rising: list[Trend] = Field(description="More accounts use them than used to.")
    popular: list[Trend] = Field(description="Many accounts use them.")


class Health(BaseModel):
    """How the server is."""

    ready: bool
    version: str
    posts: int = Field(description="Posts of the corpus.")
    writable: bool = Field(description="Whether posts can be added, replaced and removed.")
    reason: str | None = Field(description="Why not.")


class Problem(BaseModel):
    """What is wrong, and what to do."""

    detail: str

"""The reliability plot of a card: an SVG file, whose bytes depend on the numbers alone."""

from __future__ import annotations

from collections.abc import Sequence

#: Pixels of the plot and of the room around it.
_SIDE, _MARGIN = 320, 48
_COLOUR = "#0072B2"


def reliability_plot(bins: Sequence[Sequence[float]]) -> str:
    """Score against the share that was right, beside the diagonal on which they are equal.

    Args:
        bins: Mean score, share that was right, and count of each bin; a point is the larger the more it stands for.
    """
    most = max((count for _, _, count in bins), default=1)
    marks = "\n".join(
        f'<circle cx="{_x(score)}" cy="{_y(share)}" r="{round(3 + 9 * (count / most) ** 0.5, 1)}" fill="{_COLOUR}" '
        f'fill-opacity="0.6"><title>{count:.0f} hashtags: score {score:.2f}, right {share:.2f}</title></circle>'
        for score, share, count in bins
    )
    line = " ".join(f"{_x(score)},{_y(share)}" for score, share, _ in bins)
    ticks = "\n".join(
        f'<text x="{_x(value)}" y="{_y(0) + 18}" text-anchor="middle">{value:.1f}</text>'
        f'<text x="{_x(0) - 8}" y="{_y(value) + 4}" text-anchor="end">{value:.1f}</text>'
        for value in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    )
    size, middle = _SIDE + 2 * _MARGIN, _MARGIN + _SIDE // 2
    font = 'font-family="sans-serif" font-size="12"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" {font}>
<title>Reliability: share of right hashtags by score</title>
<rect width="100%" height="100%" fill="white"/>
<rect x="{_MARGIN}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#888"/>
<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#888" stroke-dasharray="4"/>
<polyline points="{line}" fill="none" stroke="{_COLOUR}"/>
{marks}
{ticks}
<text x="{middle}" y="{size - 8}" text-anchor="middle">score</text>
<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">share that its author used</text>
</svg>
"""


def _x(value: float) -> float:
    return round(_MARGIN + _SIDE * value, 1)


def _y(value: float) -> float:
    return round(_MARGIN + _SIDE * (1 - value), 1)

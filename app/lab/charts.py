"""Interactive charts that stand still (Plotly): numbers in, figures out."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.lab.experiments import DIAL_TITLES, Point, fewer_at_night

DAY_COLOUR, NIGHT_COLOUR, LINE_COLOUR = "#e0a100", "#4453c4", "#0d9488"
PAPER_NIGHT = "The paper found about 6 % fewer merges at night, in real driving scenes."


def dial_chart(points: Sequence[Point], dial: str, schedule: str) -> go.Figure:
    """Tokens kept along one dial."""
    figure = go.Figure(
        go.Scatter(
            x=[point.value for point in points],
            y=[100 * point.share_kept for point in points],
            mode="lines+markers",
            line={"color": LINE_COLOUR, "width": 3},
            marker={"size": 9},
            customdata=[[point.tokens, point.kept] for point in points],
            hovertemplate="%{x}: %{customdata[0]} → %{customdata[1]} tokens (%{y:.1f} %)<extra></extra>",
        )
    )
    unit = ", h" if dial == "time_of_day" else ""
    figure.update_xaxes(title=f"{DIAL_TITLES[dial]}{unit}")
    figure.update_yaxes(title="tokens kept, %")
    return _dressed(figure, f"Tokens kept at {{{schedule}}} along one dial, the street staying the same")


def night_chart(pairs: Sequence[tuple[int, Point, Point]], schedule: str) -> go.Figure:
    """The same streets by day and by night, joined pair by pair."""
    figure = go.Figure()
    seeds = [str(seed) for seed, _, _ in pairs]
    days, nights = [day for _, day, _ in pairs], [night for _, _, night in pairs]
    for name, colour, points in (("day", DAY_COLOUR, days), ("night", NIGHT_COLOUR, nights)):
        figure.add_scatter(
            x=seeds,
            y=[100 * point.merged / point.tokens for point in points],
            mode="markers",
            name=name,
            marker={"color": colour, "size": 11},
            hovertemplate=f"street %{{x}} by {name}: %{{y:.1f}} % merged<extra></extra>",
        )
    for seed, day, night in pairs:
        ends = [100 * point.merged / point.tokens for point in (day, night)]
        figure.add_scatter(
            x=[str(seed)] * 2, y=ends, mode="lines", line={"color": "#999", "width": 1}, showlegend=False,
            hoverinfo="skip",
        )  # fmt: skip
    figure.update_xaxes(title="street (seed)", type="category")
    figure.update_yaxes(title="tokens merged away, %")
    return _dressed(figure, f"{night_sentence(pairs)} Schedule {{{schedule}}}.")


def night_sentence(pairs: Sequence[tuple[int, Point, Point]]) -> str:
    """What the comparison found."""
    share = fewer_at_night(pairs)
    word = "fewer" if share >= 0 else "more"
    return f"{100 * abs(share):.1f} % {word} merges at night over {len(pairs)} streets."


def _dressed(figure: go.Figure, title: str) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 14}},
        height=340,
        margin={"l": 55, "r": 15, "t": 45, "b": 45},
        # Transparent and mid-grey: readable on the light and on the dark page.
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.08)",
        font={"color": "#7a8594"},
        legend={"orientation": "h", "y": 1.12, "x": 1, "xanchor": "right"},
    )
    figure.update_xaxes(gridcolor="rgba(128,128,128,0.2)", zeroline=False)
    figure.update_yaxes(gridcolor="rgba(128,128,128,0.2)", zeroline=False)
    return figure

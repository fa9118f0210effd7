# SPDX-License-Identifier: Apache-2.0
"""A bar for each kind of start, cut into its stages, as SVG. No library: it is a few rectangles."""
from html import escape

COLOURS = ("#4c78a8", "#9ecae9", "#f58518", "#ffbf79", "#54a24b", "#88d27a", "#b79a20", "#e45756", "#72b7b2", "#b279a2",
           "#9d755d")
WIDTH, LEFT, BAR, GAP = 900, 150, 36, 24


def stage_plot(title, bars):
    """`bars`: {name: {stage: milliseconds}}."""
    longest = max(sum(stages.values()) for stages in bars.values())
    scale = (WIDTH - LEFT - 90) / longest
    names = list(dict.fromkeys(stage for stages in bars.values() for stage in stages))
    colour = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    parts = [f'<text x="10" y="24" font-size="16">{escape(title)} (ms, medians)</text>']
    y = 44
    for name, stages in bars.items():
        x = LEFT
        parts.append(f'<text x="10" y="{y + BAR / 2 + 5}">{escape(name)}</text>')
        for stage, milliseconds in stages.items():
            width = milliseconds * scale
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour[stage]}">'
                         f'<title>{escape(stage)}: {milliseconds:.1f} ms</title></rect>')
            if width > 34:
                parts.append(f'<text x="{x + width / 2:.1f}" y="{y + BAR / 2 + 5}" text-anchor="middle">{milliseconds:.0f}</text>')
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + BAR / 2 + 5}">{sum(stages.values()):.0f}</text>')
        y += BAR + GAP
    x = 10
    for name in names:
        parts.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour[name]}"/>')
        parts.append(f'<text x="{x + 17}" y="{y + 11}">{escape(name)}</text>')
        x += 32 + 8 * len(name)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 30}" font-family="sans-serif" font-size="13">'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')

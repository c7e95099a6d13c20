"""Draws the bench's chart as SVG: bars by row, one colour a column."""

from xml.sax.saxutils import escape

COLOURS = ["#2a6f97", "#61a5c2", "#a9d6e5", "#bc6c25", "#dda15e", "#e9c46a",
           "#6c757d", "#adb5bd"]
WIDTH, BAR, GAP, LEFT = 900, 11, 22, 190


def draw(results, names, shown):
    """Requests a second of rows `names` in the columns `shown`."""
    top = max(results.median(h, n, "rps") for h in shown for n in names)
    height = len(names) * (len(shown) * BAR + GAP) + 60 + 18 * len(shown)
    scale = (WIDTH - LEFT - 90) / top
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           '<text x="10" y="20" font-size="14">Requests per second, one server '
           'core</text>']
    y = 36
    for name in names:
        out.append(f'<text x="10" y="{y + len(shown) * BAR / 2 + 4}">'
                   f'{escape(name)}</text>')
        for index, heading in enumerate(shown):
            value = results.median(heading, name, "rps")
            out.append(f'<rect x="{LEFT}" y="{y}" width="{value * scale:.1f}" '
                       f'height="{BAR - 1}" fill="{COLOURS[index % 8]}"/>'
                       f'<text x="{LEFT + value * scale + 4:.1f}" '
                       f'y="{y + BAR - 2}" font-size="9">{value:,.0f}</text>')
            y += BAR
        y += GAP
    for index, heading in enumerate(shown):
        out.append(f'<rect x="{LEFT}" y="{y}" width="10" height="10" '
                   f'fill="{COLOURS[index % 8]}"/><text x="{LEFT + 16}" '
                   f'y="{y + 9}">{escape(heading)}</text>')
        y += 18
    out.append("</svg>")
    return "\n".join(out) + "\n"

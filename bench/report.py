"""Medians, ratios, a table for the terminal, and bar charts as SVG."""
import statistics
from xml.sax.saxutils import escape


def summary(values):
    """Median, least and greatest."""
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values)}


def figure(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}'


def cell(runs, metric):
    """The summary of one row and peer; None when no run was good."""
    values = [run[metric] for run in runs if 'failed' not in run]
    return summary(values) if values else None


def table(rows, peers, runs):
    """Lines of Markdown: per row the median, [spread] and, beside each peer, ours ÷ theirs."""
    yield '| work | ' + ' | '.join(peers) + ' |'
    yield '|---|' + '---:|' * len(peers)
    for row in rows:
        cells = {peer: cell(runs[row.key, peer], row.metric) for peer in peers}
        texts = []
        for peer in peers:
            this, ours = cells[peer], cells.get('countersign')
            if this is None:
                texts.append('failed')
                continue
            text = f'{figure(this["median"])} [{figure(this["min"])}–{figure(this["max"])}]'
            if peer != 'countersign' and ours and this['median'] > 0:
                text += f' **{ours["median"] / this["median"]:.2f}**'
            texts.append(text)
        yield f'| {row.title}, {row.unit} | ' + ' | '.join(texts) + ' |'


BAR, GAP, LEFT, WIDTH, RIGHT = 18, 6, 110, 420, 170


def panel(row, cells, top):
    """One row's bars, the best first. Return: SVG lines and the height used."""
    order = sorted(cells, key=lambda p: cells[p]['median'], reverse=row.more_is_better)
    scale = WIDTH / max(c['max'] for c in cells.values())
    word = 'more' if row.more_is_better else 'less'
    out = [f'<text x="10" y="{top + 16}" class="t">{escape(row.title)}: {escape(row.unit)} '
           f'({word} is better)</text>']
    y = top + 28
    for peer in order:
        c = cells[peer]
        width, low, high = (c[k] * scale for k in ('median', 'min', 'max'))
        mid = y + BAR / 2
        out += [
            f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(peer)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" '
            f'class="{"us" if peer == "countersign" else "them"}"/>',
            f'<path d="M{LEFT + low:.1f} {mid}H{LEFT + high:.1f}" class="w"/>',
            f'<text x="{LEFT + high + 8:.1f}" y="{y + 13}">{figure(c["median"])}</text>']
        y += BAR + GAP
    return out, y - top + 14


def svg(title, rows, peers, runs):
    body, y = [], 34
    for row in rows:
        cells = {p: cell(runs[row.key, p], row.metric) for p in peers}
        lines, height = panel(row, {p: c for p, c in cells.items() if c}, y)
        body += lines
        y += height
    width = LEFT + WIDTH + RIGHT
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
        f'viewBox="0 0 {width} {y}">',
        '<style>text{font:12px sans-serif;fill:#333}.t{font-weight:bold;font-size:13px}'
        '.us{fill:#1a7f5a}.them{fill:#b8c4d0}.w{stroke:#333;stroke-width:1}</style>',
        f'<rect width="{width}" height="{y}" fill="#fff"/>',
        f'<text x="10" y="20" class="t">{escape(title)}</text>', *body, '</svg>', ''])

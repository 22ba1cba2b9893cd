"""Medians, ratios, tables for the terminal and the manual, and bar charts as SVG."""
import os
import platform
import re
import statistics
from xml.sax.saxutils import escape

OURS = 'countersign'


def summary(values):
    """Median, least and greatest."""
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values)}


def figure(value):
    if value >= 100 or value == int(value):
        return f'{value:.0f}'
    return f'{value:.1f}'


def machine():
    cpu = next((line.split(':')[1].strip() for line in open('/proc/cpuinfo')
                if line.startswith('model name')), platform.machine())
    return f'{os.cpu_count()} × {cpu}, Linux {platform.release()}'


def failure(runs):
    """Why this peer has no part in this row; None: it has."""
    return next((run['failed'] for run in runs if 'failed' in run), None)


def cells(rows, names, runs):
    """{(row key, name): summary, and as `ratio` ours ÷ theirs}; absent where a run failed."""
    found = {}
    for row in rows:
        for name in names:
            done = runs.get((row.of or row.key, name), ())
            values = [run[row.metric] for run in done if row.metric in run]
            if values and not failure(done):
                found[row.key, name] = summary(values)
    for (key, _), cell in found.items():
        if (key, OURS) in found and cell['median'] > 0:
            cell['ratio'] = found[key, OURS]['median'] / cell['median']
    return found


def takes_part(row, name):
    return name not in row.without and (not row.peers or name in row.peers)


def table(rows, names, found, floors):
    """Lines of Markdown: per row the median, [spread] and, beside each peer, ours ÷ theirs."""
    yield '| work | ' + ' | '.join(names) + ' | floor |'
    yield '|---|' + '---:|' * (len(names) + 1)
    for row in rows:
        texts = []
        for name in names:
            this = found.get((row.key, name))
            if not this:
                texts.append('absent' if takes_part(row, name) else '–')
                continue
            text = f'{figure(this["median"])} [{figure(this["min"])}–{figure(this["max"])}]'
            if name != OURS and this.get('ratio'):
                text += f' **{this["ratio"]:.2f}**'
            texts.append(text)
        texts.append(figure(floors[row.floor]['median']) if row.floor in floors else '–')
        yield f'| {row.title}, {row.unit} | ' + ' | '.join(texts) + ' |'


def judge(row, found):
    """(what is compared, how much, the bound, whether it holds), or None."""
    ours = found.get((row.key, OURS))
    if not row.owed or not ours:
        return None
    against, bound = row.owed
    if against == 'value':
        return f'{row.unit}', ours['median'], bound, ours['median'] <= bound
    ratio = found.get((row.key, against), {}).get('ratio')
    if ratio is None:
        return None
    return f'÷ {against}', ratio, bound, ratio >= bound if row.more else ratio <= bound


def verdicts(rows, found):
    """[{row, compared, measured, bound, holds}] of what is owed."""
    out = []
    for row in rows:
        judged = judge(row, found)
        if judged:
            compared, measured, bound, holds = judged
            out.append({'row': row.title, 'compared': compared, 'measured': round(measured, 3),
                        'bound': bound, 'least': row.more, 'holds': holds})
    return out


def owed_table(judged):
    yield '| owed | compared | bound | measured | |'
    yield '|---|---|---:|---:|---|'
    for v in judged:
        yield (f'| {v["row"]} | {v["compared"]} | {"≥" if v["least"] else "≤"} {v["bound"]:g} '
               f'| {v["measured"]:.3g} | {"holds" if v["holds"] else "**missed**"} |')


def above(rows, found, name, peer):
    """The rows in which @name does worse than @peer, with the ratio."""
    out = []
    for row in rows:
        a, b = found.get((row.key, name)), found.get((row.key, peer))
        if not a or not b or not b['median']:
            continue
        ratio = a['median'] / b['median']
        if (ratio < 1 if row.more else ratio > 1):
            out.append(f'{row.title} ({ratio:.2f})')
    return out


def split(of):
    """{(row key, name): …} of what a file has as {'row key/name': …}."""
    return {tuple(key.split('/', 1)): value for key, value in of.items()}


def noise(runs):
    others = [run['others'] for cell in runs.values() for run in cell if 'others' in run]
    found = summary(others) if others else {'median': 0, 'max': 0}
    return (f'other work took {100 * found["median"]:.0f} % of one CPU in the median run, at most '
            f'{100 * found["max"]:.0f} %')


def summaries(floors):
    return {key: summary([floor[key] for floor in floors])
            for key in (floors[0] if floors else ()) if key != 'library'}


def floor_remark(floors):
    middle = {key: cell['median'] for key, cell in summaries(floors).items()}
    return (f'Floor, {floors[0]["library"]}: key exchange {middle["key_exchange_us"]:.0f} µs + '
            f'signature {middle["sign_us"]:.0f} + check of the client\'s '
            f'{middle["verify_us"]:.0f} = {middle["arithmetic_us"]:.0f} µs of arithmetic; the '
            f'library\'s half of a full handshake in memory {middle["handshake_us"]:.0f}, of a '
            f'resumption {middle["resume_us"]:.0f}.')


def gaps(rows, result):
    """Who has no part in a row that is theirs, and why."""
    runs = split(result['runs'])
    for row in rows:
        for name in result['versions']:
            why = failure(runs.get((row.key, name), ()))
            if why:
                yield f'Absent from "{row.title}", twice in one round: {name} ({why}).'


def remarks(rows, result):
    """What a reader of the table has to know. `whole` is there when several runs are one."""
    runs = result['runs']
    suites = {' '.join((run['protocol'], run['cipher'], run['group']))
              for cell in runs.values() for run in cell if 'cipher' in run}
    versions = '; '.join(' '.join(each) for each in result['versions'].items())
    of = f'{result["rounds"]} rounds of {result["seconds"]:g} s'
    if 'whole' in result:
        of = f'what {result["whole"]} whole runs found, each in {of}'
    yield (f'Median [least–greatest] of {of}, and **countersign ÷ peer**, in one run. '
           'MB/s: more is better; all else: less.')
    yield ''
    yield f'{versions}. Absent: {", ".join(result["absent"]) or "nobody"}.'
    yield from gaps(rows, result)
    yield f'{result["machine"]}; {noise(runs)}. {"; ".join(sorted(suites))}. {result["date"]}.'
    if result['floors']:
        yield ''
        yield floor_remark(result['floors'])


def lines(rows, result):
    """The tables, and what belongs to them."""
    found = split(result['cells'])
    return [*table(rows, list(result['versions']), found, summaries(result['floors'])), '',
            *remarks(rows, result), '', *owed_table(result['owed'])]


def picture(rows, result):
    return svg('countersign and its peers', rows, list(result['versions']),
               split(result['cells']), summaries(result['floors']))


BAR, GAP, LEFT, BARS, RIGHT, COLUMNS = 15, 4, 150, 250, 70, 2
PANEL = LEFT + BARS + RIGHT
STYLE = ('text{font:11px sans-serif;fill:#333}.h{font-weight:bold;font-size:15px}'
         '.t{font-weight:bold;font-size:12px}.s{fill:#777}.us{fill:#1a7f5a}.also{fill:#7fbfa5}'
         '.them{fill:#b8c4d0}.w{stroke:#333;stroke-width:1;fill:none}'
         '.f{stroke:#c0392b;stroke-width:1.5;stroke-dasharray:3 2}')


def whisker(left, low, high, mid):
    return (f'<path d="M{left + low:.1f} {mid}H{left + high:.1f}M{left + low:.1f} {mid - 3}v6'
            f'M{left + high:.1f} {mid - 3}v6" class="w"/>')


def bar(name, cell, scale, left, y):
    width, low, high = (cell[k] * scale for k in ('median', 'min', 'max'))
    kind = 'us' if name == OURS else 'also' if name.startswith(OURS) else 'them'
    return [f'<text x="{left - 6}" y="{y + 11}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{left}" y="{y}" width="{max(width, 1):.1f}" height="{BAR}" '
            f'class="{kind}"/>',
            whisker(left, low, high, y + BAR / 2),
            f'<text x="{left + max(high, 1) + 6:.1f}" y="{y + 11}">{figure(cell["median"])}</text>']


def panel(row, named, floor, x, top):
    """One row's bars, the best first. Return: SVG lines and the height used."""
    order = sorted(named, key=lambda n: named[n]['median'], reverse=row.more)
    most = max(c['max'] for c in named.values()) or 1
    left, y, scale = x + LEFT, top + 24, BARS / most
    out = [f'<text x="{x}" y="{top + 14}" class="t">{escape(row.title)}'
           f'<tspan class="s" dx="6" font-weight="normal">{escape(row.unit)}, '
           f'{"more" if row.more else "less"} is better</tspan></text>']
    for name in order:
        out += bar(name, named[name], scale, left, y)
        y += BAR + GAP
    if floor and floor * scale <= BARS:
        at = left + floor * scale
        out.append(f'<path d="M{at:.1f} {top + 20}V{y}" class="f"/>')
    return out, y - top + 12


def svg(title, rows, names, found, floors):
    """Two columns of panels; a red line is the floor, where it is in the picture."""
    tops, body = [48] * COLUMNS, []
    for row in rows:
        named = {n: found[row.key, n] for n in names if (row.key, n) in found}
        if not named:
            continue
        column = tops.index(min(tops))
        floor = floors[row.floor]['median'] if row.floor in floors else 0
        lines, height = panel(row, named, floor, 10 + column * PANEL, tops[column])
        body += lines
        tops[column] += height
    width, height = COLUMNS * PANEL + 10, max(tops)
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">', f'<style>{STYLE}</style>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="22" class="h">{escape(title)}</text>',
        '<text x="10" y="38" class="s">medians; whiskers: least and greatest; dashed: what the '
        'TLS library alone takes</text>', *body, '</svg>', ''])


def rewrite_page(page, text, name='measured'):
    """Replace what stands between the two marks of @page with this name."""
    begin, end = f'<!-- {name} -->', f'<!-- end of what was {name} -->'
    old = page.read_text()
    marks = re.compile(re.escape(begin) + '.*?' + re.escape(end), re.S)
    if not marks.search(old):
        raise ValueError(f'{page}: no "{begin}" and "{end}"')
    page.write_text(marks.sub(lambda _: f'{begin}\n{text}\n{end}', old))

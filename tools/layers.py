"""The layer table of ARCHITECTURE.md as a value; shared by the checks beside it."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / 'src'
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# What the words of the table's last column mean, as patterns of header names.
LIBRARIES = {
    'libcrypto': r'openssl/(?!(ssl|tls1|ssl3|srtp|dtls1)\.h)',
    'libssl': r'openssl/(ssl|tls1|ssl3|srtp|dtls1)\.h',
    'pcre2': r'pcre2',
    'libpcap': r'pcap',
    'epoll': r'sys/(epoll|timerfd|eventfd|signalfd)\.h',
    'nghttp2': r'nghttp2/',
    'libcurl': r'curl/',
    'jansson': r'jansson',
    'sqlite': r'sqlite3',
    'libpq': r'libpq',
}


class Folder:
    def __init__(self, layer, name, may_include, libraries):
        self.layer, self.name = layer, name
        self.words, self.libraries = may_include, libraries
        self.allowed = {name, 'base'}


def read():
    """{folder name: Folder}, with .allowed as the set of folder names."""
    table = {}
    for line in (ROOT / 'ARCHITECTURE.md').read_text().splitlines():
        cells = [c.strip() for c in line.strip().strip('|').split('|')]
        if len(cells) == 5 and cells[0].isdigit():
            name = cells[1].strip('`/')
            words = [w.strip('`/ ') for w in cells[3].split(',') if w.strip()]
            table[name] = Folder(int(cells[0]), name, words,
                                 {w.strip('` ') for w in cells[4].split(',') if w.strip()})
    if not table:
        sys.exit('ARCHITECTURE.md: no layer table found')
    for folder in table.values():
        for word in folder.words:
            folder.allowed = resolve(table, folder, word)
        unknown = folder.libraries - LIBRARIES.keys()
        if unknown:
            sys.exit(f'ARCHITECTURE.md: "{folder.name}" names unknown libraries {unknown}')
    return table


def resolve(table, folder, word):
    """The folder's allowed set with one word of its "may include" applied."""
    layers = re.fullmatch(r'(\d+)(?:\s*[–-]\s*(\d+))?', word)
    if layers:
        low, high = int(layers[1]), int(layers[2] or layers[1])
        return folder.allowed | {f.name for f in table.values() if low <= f.layer <= high}
    name = word.removeprefix('not ')
    if name not in table:
        sys.exit(f'ARCHITECTURE.md: "{folder.name}" may include "{word}", which is no folder')
    return folder.allowed - {name} if word.startswith('not ') else folder.allowed | {name}


def sources(*suffixes):
    """Every file of src/ with one of the suffixes, in order."""
    return sorted(p for p in SRC.rglob('*') if p.suffix in suffixes)


def includes(path):
    """(line number, bracket, header) of every #include in a file."""
    text = path.read_text()
    return [(text.count('\n', 0, m.start(1)) + 1, m[1], m[2]) for m in INCLUDE.finditer(text)]


def finish(what, problems, looked_at):
    """Print the problems; the exit status says whether there were any."""
    for problem in problems:
        print(problem)
    print(f'{what}: {looked_at} looked at, {len(problems)} wrong')
    if not looked_at:
        sys.exit(f'{what}: nothing to look at')
    sys.exit(1 if problems else 0)

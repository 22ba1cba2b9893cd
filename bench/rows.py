"""What is measured, and what each row owes (ratios to nginx unless it says otherwise)."""
import dataclasses

CPU, RATE = 'server CPU µs', 'MB per server CPU s'
PACE = 4000  # requests per second of the paced row
NEVER_RESUME = ('ghostunnel',)  # a TLS configuration of its own for each connection
FLOODED = ('countersign', 'countersign (OpenSSL)', 'nginx')
FAILURES = 10000  # failing handshakes per second of the row of floods
RESTARTED = ('countersign', 'nginx', 'haproxy')  # measured in the rows of lists and reloads


@dataclasses.dataclass
class Row:
    key: str
    title: str
    unit: str
    metric: str         # of what bench-load or bench/run reports
    mode: str = ''      # bench-load's, or this program's own way to measure
    size: int = 1024    # of an answer
    connections: int = 32
    client: str = 'client'
    more: bool = False  # more is better
    of: str = ''        # another figure of this row's runs
    least_s: float = 0  # a run is not shorter
    peers: tuple = ()   # only these
    without: tuple = () # not these
    owed: tuple = ()    # (what is compared with, bound): a peer, or 'value'
    floor: str = ''     # bench-floor's figure for the same work


ROWS = [
    Row('handshake', 'full handshake + request', CPU, 'cpu_us', 'handshake',
        owed=('nginx', 0.18), floor='handshake_us'),
    Row('chain', 'the same, client sends an intermediate', CPU, 'cpu_us', 'handshake',
        client='client-chain', owed=('nginx', 0.15)),
    Row('resume', 'resumed handshake + request', CPU, 'cpu_us', 'resume', owed=('nginx', 0.19),
        floor='resume_us', without=NEVER_RESUME),
    Row('keepalive', 'request, 64 kept connections', CPU, 'cpu_us', 'keepalive', connections=64,
        owed=('nginx', 0.75)),
    Row('keepalive512', 'request, 512 kept connections', CPU, 'cpu_us', 'keepalive',
        connections=512, least_s=1, owed=('nginx', 0.65)),
    Row('mixed', 'request, 10 a connection, 3 of 4 resumed', CPU, 'cpu_us', 'mixed',
        without=NEVER_RESUME),
    Row('bulk64k', 'answers of 64 KiB', RATE, 'mb_per_cpu_s', 'keepalive', 65536, 16, more=True,
        owed=('nginx', 1.5), floor='seal_mb_per_s'),
    Row('bulk1m', 'answers of 1 MiB', RATE, 'mb_per_cpu_s', 'keepalive', 1 << 20, 16, more=True,
        owed=('nginx', 1.7), floor='seal_mb_per_s'),
    Row('bulk100m', 'answers of 100 MiB', RATE, 'mb_per_cpu_s', 'keepalive', 100 << 20, 4,
        more=True, least_s=2, floor='seal_mb_per_s'),
    Row('paced', f'{PACE} requests/s: half within', 'µs', 'p50_us', 'paced', connections=64,
        least_s=2),
    Row('paced99', f'{PACE} requests/s: 99 % within', 'µs', 'p99_us', of='paced'),
    Row('paced999', f'{PACE} requests/s: 99.9 % within', 'µs', 'p999_us', of='paced'),
    Row('idle', 'idle connection after one request', 'KiB (PSS)', 'kib_per_connection', 'idle',
        connections=2000, owed=('value', 6)),
    Row('flood', 'failing handshake, 10,000 a second', CPU, 'fail_us', 'flood', connections=8,
        least_s=2, peers=FLOODED),
    Row('flood_share', 'these, of two workers with a CPU each', '% of their time', 'fail_share',
        of='flood', peers=FLOODED, owed=('value', 10)),
    Row('flood_least', 'the same of who only takes and closes them', CPU, 'sink_us', of='flood',
        peers=FLOODED),
    Row('flood_p50', 'good handshake meanwhile ÷ without, half within', 'ratio', 'good_ratio',
        of='flood', peers=FLOODED),
    Row('flood_sink', 'the same ÷ beside as many that go elsewhere', 'ratio', 'good_beside',
        of='flood', peers=FLOODED, owed=('value', 1.1)),
    Row('flood_expired', 'full handshake, certificate expired', CPU, 'expired_us', of='flood',
        peers=FLOODED),
    Row('crl', 'full handshake, CRL of 1,000,000', CPU, 'cpu_us', 'crl', connections=8, least_s=3,
        peers=RESTARTED),
    Row('crl_ratio', 'the same ÷ without that CRL', 'ratio', 'crl_ratio', of='crl',
        peers=RESTARTED, owed=('value', 1.05)),
    Row('crl_load', 'to load that CRL', 'ms', 'load_ms', of='crl', peers=RESTARTED,
        owed=('value', 500)),
    Row('crl_memory', 'that CRL in memory, 2 workers', 'MiB (PSS)', 'memory_mib', of='crl',
        peers=RESTARTED, owed=('value', 40)),
    Row('reload', 'failed requests, 3 reloads in 5 s', 'of 64 busy connections', 'n_errors',
        'reload', connections=64, peers=RESTARTED, owed=('value', 0)),
]
QUICK = ['handshake', 'resume', 'keepalive']


def choose(keys):
    """The rows with these keys, and what else their runs tell; all when None."""
    return [row for row in ROWS if not keys or row.key in keys or row.of in keys]

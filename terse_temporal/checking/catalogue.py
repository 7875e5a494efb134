"""Calls that do not belong in a handler, by their dotted names.

The engine knows no such list: it asks Python's audit hooks, and finds out when it happens. Here nothing happens, so the
names have to be written down. They are those that people use; a library that is missing is no finding.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CLOCKS",
    "LISTINGS",
    "MUTATORS",
    "RANDOM_FUNCTIONS",
    "REAL_CLOCKS",
    "SEEDED",
    "effect_of",
    "is_method_of_client",
    "is_nondeterministic",
]

#: A name that ends in a dot is whatever begins with it.
_EFFECTS: Final = {
    "TERSE201": "time.sleep",
    "TERSE202": """
        threading.Thread threading.Timer _thread.start_new_thread _thread.start_new
        concurrent.futures.ThreadPoolExecutor concurrent.futures.ProcessPoolExecutor
        concurrent.futures.thread.ThreadPoolExecutor concurrent.futures.process.ProcessPoolExecutor
        multiprocessing.Process multiprocessing.Pool multiprocessing.Manager multiprocessing.pool.ThreadPool
        multiprocessing.pool.Pool multiprocessing.dummy.Pool
        asyncio.to_thread asyncio.get_running_loop().run_in_executor
        asyncio.create_subprocess_exec asyncio.create_subprocess_shell
        subprocess.run subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output
        subprocess.getoutput subprocess.getstatusoutput
        os.system os.popen os.fork os.forkpty os.kill os.killpg os.posix_spawn os.spawnl os.spawnv os.execv os.execvp
        anyio.to_thread.run_sync anyio.run_process anyio.open_process
    """,
    "TERSE203": """
        requests.get requests.post requests.put requests.patch requests.delete requests.head requests.options
        requests.request requests.Session(). requests.session().
        httpx.get httpx.post httpx.put httpx.patch httpx.delete httpx.head httpx.options httpx.request httpx.stream
        httpx.Client(). httpx.AsyncClient().
        aiohttp.ClientSession(). aiohttp.request
        urllib.request.urlopen urllib.request.urlretrieve urllib3.request urllib3.PoolManager().
        http.client.HTTPConnection(). http.client.HTTPSConnection().
        socket.socket socket.create_connection socket.create_server socket.getaddrinfo socket.gethostbyname
        socket.gethostbyaddr
        asyncio.open_connection asyncio.start_server asyncio.open_unix_connection
        smtplib.SMTP smtplib.SMTP_SSL aiosmtplib.send ftplib.FTP ftplib.FTP_TLS imaplib.IMAP4 imaplib.IMAP4_SSL
        poplib.POP3 poplib.POP3_SSL
        psycopg.connect psycopg.AsyncConnection.connect psycopg2.connect asyncpg.connect asyncpg.create_pool
        pymysql.connect redis.Redis(). redis.from_url(). redis.asyncio.Redis(). redis.asyncio.from_url().
        pymongo.MongoClient webbrowser.open
    """,
    "TERSE204": """
        builtins.open io.open_code codecs.open gzip.open bz2.open lzma.open shelve.open dbm.open
        aiofiles.open anyio.open_file sqlite3.connect aiosqlite.connect
        pathlib.Path().open pathlib.Path().read_text pathlib.Path().read_bytes pathlib.Path().write_text
        pathlib.Path().write_bytes pathlib.Path().touch pathlib.Path().mkdir pathlib.Path().rmdir pathlib.Path().unlink
        pathlib.Path().rename pathlib.Path().replace pathlib.Path().symlink_to pathlib.Path().hardlink_to
        pathlib.Path().chmod pathlib.Path().exists pathlib.Path().is_file pathlib.Path().is_dir pathlib.Path().stat
        pathlib.Path().iterdir pathlib.Path().glob pathlib.Path().rglob pathlib.Path().walk
        os.open os.listdir os.scandir os.walk os.remove os.unlink os.rename os.replace os.mkdir os.makedirs os.rmdir
        os.removedirs os.stat os.chmod os.link os.symlink os.truncate
        os.path.exists os.path.isfile os.path.isdir os.path.getsize os.path.getmtime
        glob.glob glob.iglob
        shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move shutil.rmtree shutil.make_archive
        shutil.unpack_archive
        tempfile.mkdtemp tempfile.mkstemp tempfile.NamedTemporaryFile tempfile.TemporaryFile
        tempfile.TemporaryDirectory tempfile.SpooledTemporaryFile
        linecache.getline fileinput.input
    """,
    "TERSE205": "builtins.input",
    "TERSE206": "os.getenv os.environb.get",
    "TERSE207": "os.putenv os.unsetenv",
    "TERSE216": "builtins.print",
}

_EXACT: Final = {name: code for code, names in _EFFECTS.items() for name in names.split() if not name.endswith(".")}
_PREFIXES: Final = tuple(
    (name, code) for code, names in _EFFECTS.items() for name in names.split() if name.endswith(".")
)

#: Further objects of libraries whose methods people hand to steps.
_CLIENTS: Final = (
    "anthropic.Anthropic().",
    "anthropic.AsyncAnthropic().",
    "boto3.Session().",
    "boto3.client().",
    "boto3.resource().",
    "elasticsearch.AsyncElasticsearch().",
    "elasticsearch.Elasticsearch().",
    "github.Github().",
    "google.cloud.bigquery.Client().",
    "google.cloud.storage.Client().",
    "openai.AsyncOpenAI().",
    "openai.OpenAI().",
    "pathlib.Path().",
    "slack_sdk.WebClient().",
    "slack_sdk.web.async_client.AsyncWebClient().",
    "smtplib.SMTP().",
    "smtplib.SMTP_SSL().",
    "stripe.StripeClient().",
    "twilio.rest.Client().",
)

#: Of clients: what only puts away or sets up.
_QUIET: Final = frozenset({"close", "aclose", "mount", "headers", "cookies", "auth", "build_request"})

#: Deterministic in the module of the job, by `engine/determinism/clock.py`, and only there.
CLOCKS: Final = frozenset(
    [
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        *(
            f"time.{name}{unit}"
            for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
            for unit in ("", "_ns")
        ),
    ]
)

#: Clocks that are deterministic nowhere. The others ask Python's, from modules of their own.
REAL_CLOCKS: Final = frozenset(
    [
        *(f"pendulum.{name}" for name in ("now", "today", "tomorrow", "yesterday")),
        *(f"arrow.{of}{name}" for name in ("now", "utcnow") for of in ("", "Arrow.")),
    ]
)

#: Likewise.
RANDOM_FUNCTIONS: Final = frozenset(
    [
        "uuid.uuid4",
        *(
            f"random.{name}"
            for name in (
                "betavariate",
                "choice",
                "choices",
                "expovariate",
                "gammavariate",
                "gauss",
                "getrandbits",
                "lognormvariate",
                "normalvariate",
                "paretovariate",
                "randbytes",
                "randint",
                "random",
                "randrange",
                "sample",
                "shuffle",
                "triangular",
                "uniform",
                "vonmisesvariate",
                "weibullvariate",
            )
        ),
    ]
)

_NONDETERMINISTIC: Final = frozenset(
    [
        "email.utils.make_msgid",
        "os.getpid",
        "os.getrandom",
        "os.urandom",
        "random.SystemRandom",
        "uuid.uuid1",
        "uuid.uuid6",
        "uuid.uuid7",
        *(
            f"secrets.{name}"
            for name in ("SystemRandom", "choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe")
        ),
    ]
)

#: Of `numpy.random`: functions that draw nothing, or draw what a seed says.
_NUMPY_QUIET: Final = frozenset(
    ["default_rng", "get_bit_generator", "get_state", "seed", "set_bit_generator", "set_state"]
)

#: What is random unless it is given a seed.
SEEDED: Final = frozenset(["numpy.random.RandomState", "numpy.random.default_rng"])

#: What gives the entries of a directory, in an order that nothing promises.
LISTINGS: Final = frozenset(
    [
        "glob.glob",
        "glob.iglob",
        "os.listdir",
        "os.scandir",
        "os.walk",
        "pathlib.Path().glob",
        "pathlib.Path().iterdir",
        "pathlib.Path().rglob",
    ]
)

#: Methods that change what they are called on: of lists, dicts, sets and deques.
MUTATORS: Final = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "difference_update",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "intersection_update",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "symmetric_difference_update",
        "update",
    ]
)


def effect_of(path: str) -> str | None:
    """Return the code of a call, by its dotted name."""
    if (code := _EXACT.get(path)) is not None:
        return code
    for prefix, code in _PREFIXES:
        if path.startswith(prefix):
            rest = path[len(prefix) :]
            return None if rest in _QUIET or "." in rest or "(" in rest else code
    return None


def is_method_of_client(path: str) -> bool:
    """Return whether a dotted name is a method of an object that a library makes."""
    prefixes = (*(prefix for prefix, _ in _PREFIXES), *_CLIENTS)
    return any(path.startswith(prefix) and not path.endswith(")") for prefix in prefixes)


def is_nondeterministic(path: str) -> bool:
    """Return whether a call takes its randomness, or a number as good as random, from the machine."""
    if path.startswith("numpy.random."):
        # Functions, which draw from the generator of the process; what has an inner dot is a generator of one's own.
        name = path.removeprefix("numpy.random.")
        return name.isidentifier() and name.islower() and name not in _NUMPY_QUIET
    return path in _NONDETERMINISTIC

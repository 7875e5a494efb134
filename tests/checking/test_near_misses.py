"""Every rule has cases in which it fires, and near misses in which it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from .reading import findings, handler

#: Steps, tools and helpers of the cases.
BEFORE = """
import contextlib, openai, datetime as dt, functools, glob, hashlib, secrets, subprocess, threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from terse_temporal.errors import StepInputError
import httpx
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Optional
from pydantic import BaseModel

def one(data): return data
def none(): return 1
async def later(data): return data
@step
def stepped(data: str) -> str: return data
@step
async def stepped_later(data: str) -> str: return data
@toolbox.tool("chk.tool")
async def tool(name: str) -> str: return Path(name).read_text()
class Mailer:
    def send(self, data): return data
    @staticmethod
    def static(data): return data
    def read(self): return Path("x").read_text()
class Tags(BaseModel):
    names: set[str]
    listed: list[str]
class More(Tags): pass
@dataclass
class Order:
    id: str
class Loose(BaseModel):
    model_config = {"from_attributes": True}
class Grade(str): pass
class Ratio(Tags):
    def __float__(self): return 1.0
def takes_text(text: str) -> str: return text
def takes_tags(tags: Tags | None = None) -> None: ...
def takes_order(order: Order, /) -> None: ...
def takes_orders(orders: list[Order]) -> None: ...
def takes_loose(loose: Loose) -> None: ...
def takes_number(number: float) -> None: ...
def takes_level(level: Literal["low", "high"]) -> None: ...
@step
async def paid(order: Order, cents: int = 1, *, note: Optional[str] = None) -> str: return "x"
MAILER = Mailer()
if TYPE_CHECKING:
    from bills import Bill
else:
    Named = str
if TYPE_CHECKING:
    from names import Named
def gives_bill() -> "list[Bill]": ...
def takes_bill(bill: "Bill | None") -> Literal["Bill"]: ...
def named(name: "Named") -> "Annotated[str, 'Bill']": return name
class Totals:
    seen, count = [], 0
    def __init__(self): self.own = []
    @classmethod
    def add(cls): cls.count += 1
    def note(self): self.seen.append(1)
    def keep(self): self.own.append(1)
TOTALS = Totals()
CHARGE = create_job(name="chk-charge", durable=True, on_trigger=later)
@create_job(name="chk-charge-too", durable=True)
async def charge(event): return event
OPENAI = openai.OpenAI()
HOUR, BAD, AGENT = "1h", "1 hoour", TerseAgent.create(prompt="Be kind.")
CACHE, GROUPS = {}, defaultdict(list)
"""

#: A code, and bodies of a durable handler in which it is found, and no other.
FIRES: dict[str, list[str]] = {
    "TERSE101": [
        "name = event.name\nawait job_step(run=lambda: name)",
        "def send():\n    def inner():\n        return event\n    return inner()\nawait job_step(run=send)",
        "for each in event.names:\n    await job_step(run=lambda: each)",
        "await asyncio.gather(*(job_step(run=lambda: n) for n in range(3)))",
        "def again():\n    return again\nawait job_step(run=again)",
        "await state.update('names', lambda names: [*names, event.name])",
    ],
    "TERSE102": [
        "await job_step(run=lambda name=event.name: name)",
        "def send(*, name=1): return name\nawait job_step(run=send)",
        "await state.update('count', lambda count, more=1: count + more)",
    ],
    "TERSE103": [
        "await job_step(run=functools.partial(one, 1))",
        "await job_step(run=MAILER.send, input=1)",
        "await job_step(run=Mailer().send, input=1)",
        "await job_step(run=Mailer(), input=1)",
        "await job_step(run=later(1))",
        "await job_step(run=httpx.Client().get, input='https://example.com')",
        "client = httpx.AsyncClient()\nawait job_step(run=client.get, input='https://example.com')",
        "await job_step(run=OPENAI.chat.completions.create, input={})",
        "import boto3\nawait job_step(run=boto3.client('s3').list_buckets)",
    ],
    "TERSE104": [
        "class Local(BaseModel): pass\nawait job_step(run=one, input=1, input_schema=list[Local])",
        "class Local(BaseModel): pass\ndef make() -> Local | None: ...\nawait job_step(run=make)",
    ],
    "TERSE105": [
        "await job_map(run=none, inputs=[1])",
        "await job_step(run=none, input=1)",
        "await job_step(run=one)",
        "await job_step(run=lambda a, b: a, input=[1, 2])",
        "await job_step(run=stepped)",
        "await state.update('count', lambda count: count, 1)",
        "await paid()",
        "await paid(Order('x'), unit=1)",
        "await paid(Order('x'), 1, 'x')",
    ],
    "TERSE106": [
        "await job_step(run=takes_text, input=5)",
        "await job_step(run=takes_text, input=None)",
        "await job_step(run=takes_text, input={'name': event.name})",
        "await job_step(run=takes_text, input=Order('x'))",
        "await job_step(run=takes_tags, input='x')",
        "await job_step(run=takes_tags, input=Order('x'))",
        "tags = Tags(names=event.names)\nawait job_step(run=takes_order, input=tags)",
        "await job_step(run=takes_orders, input=Order('x'))",
        "await job_step(run=takes_orders, input=['x'])",
        "await job_step(run=takes_number, input='a lot')",
        "await job_step(run=takes_number, input=Order('x'))",
        "await job_step(run=takes_level, input='middle')",
        "await job_step(run=one, input=Order('x'), input_schema=Tags)",
        "await job_step(run=one, input=5, input_schema=list[int])",
        "await stepped(5)",
        "await stepped(data=[event.name])",
        "await paid('x')",
        "await paid(Order('x'), 'many')",
        "await paid(Order('x'), note=Order('x'))",
    ],
    "TERSE107": [
        "await job_step(run=gives_bill)",
        "await job_step(run=takes_bill, input=event.bill)",
    ],
    "TERSE110": [
        "job_step(run=none)",
        "sleep('1h')",
        "toolbox.chk.tool(name='x')",
        "toolbox.call('chk.tool', {})",
        "generate_text(prompt='Hello')",
        "AGENT.run_and_wait('Hello')",
        "AGENT.tools.chk.tool(name='x')",
        "TerseAgent.execute_tool('chk.tool')",
        "state.set('count', 1)",
        "state.delete('count')",
        "stepped('x')",
        "stepped_later('x')",
        "CHARGE.start({'id': 1})",
        "charge.run()",
        "charge.map([{}])",
        "(await CHARGE.start()).result()",
        "run = await charge.start()\nrun.cancel()",
        "later(1)",
        "await sleep('1h') if event.name else sleep('2h')",
        "event.name or sleep('1h')",
        "call = job_step(run=none)\nreturn call",
        "return {'first': [job_step(run=none)]}",
        "asyncio.sleep(1)",
        "if state.get('done'):\n    return 1",
        "return [each for each in state.get('names')]",
        "return f\"{state.get('name')}\"",
        "return job_step(run=none)",
        "name = state.get('name')\nreturn name.upper()",
        "unused = job_step(run=none)",
        "return len(state.get('names'))",
        "return job_step(run=none)['x']",
        "return not state.get('x')",
    ],
    "TERSE202": [
        "threading.Thread(target=none).start()",
        "ThreadPoolExecutor(2)",
        "await asyncio.to_thread(none)",
        "loop = asyncio.get_running_loop()\nawait loop.run_in_executor(None, none)",
        "os.system('true')",
        "await asyncio.create_subprocess_exec('true')",
    ],
    "TERSE203": [
        "httpx.get('https://example.com')",
        "async with httpx.AsyncClient() as client:\n    await client.get('https://example.com')",
        "import urllib.request as web\nweb.urlopen('https://example.com')",
        "import requests\nrequests.Session().post('https://example.com')",
        "import socket\nsocket.create_connection(('localhost', 9))",
    ],
    "TERSE204": [
        "open('x')",
        "Path('x').read_text()",
        "(Path.home() / 'x').resolve().write_text('y')",
        "target = Path('x') / 'y'\ntarget.parent.mkdir()",
        "os.remove('x')",
        "return os.path.exists('x')",
        "await tool('x')",
        "MAILER.read()",
        "import sqlite3\nsqlite3.connect('x')",
        "def inner(): return open('x')\ninner()",
        "return sorted(event.names, key=lambda name: Path(name).stat().st_size)",
    ],
    "TERSE206": [
        "return os.environ['X']",
        "return os.environ.get('X')",
        "return 'X' in os.environ",
        "return os.getenv('X')",
        "from os import environ\nreturn dict(environ)",
    ],
    "TERSE207": ["os.environ['X'] = 'y'", "os.environ.pop('X')", "del os.environ['X']", "os.putenv('X', 'y')"],
    "TERSE208": [
        "global HOUR\nHOUR = '2h'",
        "CACHE[event.name] = 1",
        "CACHE.update(x=1)",
        "GROUPS['x'] = [1]",
        "MAILER.name = 'x'",
        "del CACHE['x']",
        "CACHE['x'] += 1",
        "Totals.count += 1",
        "type(TOTALS).count = 1",
        "TOTALS.__class__.count = 1",
        "Totals.seen.append(1)",
        "TOTALS.seen.append(1)",
    ],
    "TERSE210": [
        "import pendulum\nreturn pendulum.now('UTC')",
        "import arrow\nreturn arrow.utcnow()",
    ],
    "TERSE212": [
        "secrets.choice([1, 2])",
        "os.urandom(8)",
        "random.SystemRandom()",
        "uuid.uuid1()",
        "return os.getpid()",
        "import numpy as np\nreturn np.random.normal(), np.random.default_rng().random()",
        "from email.utils import make_msgid\nreturn make_msgid()",
    ],
    "TERSE214": [
        "for each in {'a', event.name}:\n    await job_step(run=one, input=each)",
        "await asyncio.gather(*(stepped(each) for each in set(event.names)))",
        "names = set(event.names) | {'x'}\nfor number, each in enumerate(list(names)):\n    await sleep('1h')",
        "for each in dict.fromkeys({name for name in event.names}).items():\n    await toolbox.chk.tool(name=each)",
        "def work(each): return job_step(run=one, input=each)\n[await work(each) for each in frozenset(event.names)]",
        "await asyncio.gather(*map(stepped, set(event.names)))",
        "async def work(each): await sleep('1h')\nawait asyncio.gather(*map(work, {name for name in event.names}))",
        "await asyncio.gather(*map(lambda each: job_step(run=one, input=each), set(event.names)))",
        "async def all_of(tags: Tags):\n    for each in tags.names:\n        await stepped(each)\nawait all_of(event)",
        "async def all_of(tags: More):\n    [await stepped(each) for each in list(tags.names)]\nawait all_of(event)",
    ],
    "TERSE215": ["return hash('x')", "return hash(str(event.id)) % 2"],
    "TERSE216": ["print(1)"],
    "TERSE301": [
        "await sleep('abc')",
        "await sleep('')",
        "await sleep(5)",
        "await sleep(-1.5)",
        "await sleep('0s')",
        "await sleep('-1h')",
        "await sleep(duration=None)",
        "await sleep(BAD)",
        "await sleep(timedelta(0))",
        "await sleep(timedelta(hours=-1))",
        "await sleep(datetime(2100, 1, 1))",
        "await sleep(dt.datetime.now() + timedelta(days=1))",
        "moment = datetime.utcnow()\nawait sleep(moment + timedelta(days=1))",
        "await sleep('300 years')",
    ],
    "TERSE302": [
        "await job_step(run=none, timeout='soon')",
        "await job_step(run=none, retry=Retry(initial=1))",
        "await job_step(run=none, retry=Retry(max_delay='0s'))",
        "await wait_for_input(prompt='?', timeout='soon')",
        "await wait_for_input(prompt='?', remind_every='weekly')",
        "await wait_for_event('x', timeout='soon')",
    ],
    "TERSE303": [
        "await job_step(run=none, on_interrupt='never')",
        "await job_step(run=none, local=True, on_interrupt='fail')",
        "await job_step(run=none, name='')",
        "await job_step(run=none, retry=Retry(max_attempts=0))",
        "await job_step(run=none, retry=Retry(multiplier=0.5))",
        "await generate_text(prompt='x', max_turns=0)",
        "await wait_for_input(prompt='?', options=[InputOption('a', 'A')], schema=Tags)",
        "await wait_for_input(prompt='?', options=[InputOption('a', 'A')], on_timeout='a')",
        "await wait_for_input(prompt='?', initial={'names': []})",
    ],
    "TERSE401": [
        "try:\n    await sleep('1h')\nexcept BaseException:\n    pass",
        "try:\n    await sleep('1h')\nexcept (ValueError, asyncio.CancelledError):\n    return 1",
        "with contextlib.suppress(asyncio.CancelledError):\n    await sleep('1h')",
        "try:\n    async with asyncio.timeout(1): await sleep('1h')\nexcept Exception:\n    pass\nexcept:\n    pass",
    ],
    "TERSE403": [
        "current_step()",
        "async for each in AGENT.run('x'):\n    log(each)",
        "asyncio.run(later(1))",
        "await get_run('x').status()",
        "run = await charge.start()\nawait run.terminate()",
        "async for each in list_runs():\n    log(each.id)",
    ],
    "TERSE404": [
        "await job_step(run=lambda: 1)\nawait job_step(run=lambda: 2)",
        "await job_step(run=none)\nawait job_step(run=one, input=1, name='none')",
    ],
    "TERSE405": ["while True:\n    await job_step(run=none)", "while 1:\n    pass"],
}

#: Bodies in which nothing is found, by the code that they come near to.
MISSES: dict[str, list[str]] = {
    "TERSE101": [
        "await job_step(run=lambda: HOUR)",
        "await job_step(run=lambda event: event.name, input=1)",
        "def send(data):\n    name = data\n    return [name for name in data]\nawait job_step(run=send, input=1)",
        "await state.update('names', lambda names, more: [*names, more], event.name)",
        "return sorted(event.names, key=lambda name: event.rank[name])",
    ],
    "TERSE102": ["def send(data, more=[]): return data\nsend(1)", "await job_step(run=one, input=[event, 1][1])"],
    "TERSE103": [
        "await job_step(run=Mailer.static, input=1)",
        "await job_step(run=lambda data: MAILER.send(data), input=1)",
        "await job_step(run=event.choose())",
        "await job_step(run=httpx.get, input='https://example.com')",
        "from others import Client\nawait job_step(run=Client().send, input=1)",
        "from argparse import Namespace\nawait job_step(run=Namespace().run)",
    ],
    "TERSE104": ["class Local(BaseModel): pass\nawait job_step(run=one, input=Local().model_dump())"],
    "TERSE105": [
        "await job_map(run=one, inputs=[1])",
        "await job_map(run=lambda data: data, inputs=event.names, **event.options)",
        "await job_step(run=lambda *all: 1)",
        "await job_step(run=print, input=1)",
        "await job_step(run=stepped, input='x')",
        "await job_step(run=one, **event.options)",
        "await paid(*event.all)",
        "await paid(Order('x'), **event.options)",
        "def paid(): return 1\npaid()",
    ],
    "TERSE106": [
        "await job_step(run=takes_text, input=event.text)",
        "await job_step(run=takes_text, input=Grade('x'))",
        "await job_step(run=takes_text, input=f'{event.text}')",
        "await job_step(run=takes_tags, input=None)",
        "await job_step(run=takes_tags, input={'names': ['x']})",
        "await job_step(run=takes_tags, input=More(names=['x']))",
        "await job_step(run=takes_order, input=Order('x'))",
        "await job_step(run=takes_orders, input=[Order('x'), event.order])",
        "orders = []\norders.append(Order('x'))\nawait job_step(run=takes_orders, input=orders)",
        "await job_step(run=takes_loose, input=Order('x'))",
        "await job_step(run=takes_number, input=5)",
        "await job_step(run=takes_number, input='5')",
        "await job_step(run=takes_number, input=Ratio(names=[]))",
        "await job_step(run=takes_text, input=5, input_schema=int)",
        "await job_step(run=lambda text: text, input=5)",
        "given = 5\ngiven = 'x'\nawait job_step(run=takes_text, input=given)",
        "try:\n    await job_step(run=takes_text, input=5)\nexcept StepInputError:\n    pass",
        "await paid(Order('x'), 2, note=None)",
        "await paid({'id': 'x'})",
    ],
    "TERSE107": [
        "await job_step(run=gives_bill, output_schema=Tags)",
        "await job_step(run=takes_bill, input=event.bill, input_schema=Tags)",
        "await job_step(run=named, input='x')",
        "await job_step(run=httpx.get, input='https://example.com')",
    ],
    "TERSE110": [
        "await asyncio.gather(job_step(run=none), stepped('x'), *(sleep('1h') for _ in event.names))",
        "task = asyncio.create_task(later(1))\nawait sleep('1h')\nreturn await task",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(later(1))",
        "await asyncio.wait_for(sleep('1h'), 10)",
        "await asyncio.gather(CHARGE.run(), charge.run())",
        "run = await charge.start()\nreturn run.id, await run.result()",
        "return charge.name, CHARGE.where",
        "first = job_step(run=none)\nsecond = job_step(run=none)\nreturn [await first, await second]",
        "calls = [toolbox.chk.tool(name=name) for name in event.names]\nreturn await asyncio.gather(*calls)",
        "calls = []\ncalls.append(job_step(run=none))\nreturn await asyncio.gather(*calls)",
        "def make(): return job_step(run=none)\nreturn await make()",
        "return (await state.get('name')).upper()",
        "call = state.get('x') if event.x else state.get('y')\nreturn await call",
        "return await (state.get('x') if event.x else state.get('y'))",
        "call = event.x and sleep('1h')\nif call:\n    await call",
        "call = sleep('1h')\ndef given():\n    return call\nawait given()",
        "def calls(): return [sleep('1h'), job_step(run=none)]\nawait asyncio.gather(*calls())",
        "AGENT.tools",
        "if (name := await state.get('name')) is not None:\n    return name",
        "later = max\nlater(1, 2)",
    ],
    "TERSE201": ["time = event.time\ntime.sleep(1)", "def waits(): time.sleep(1)\nawait job_step(run=waits)"],
    "TERSE202": ["subprocess.list2cmdline(event.words)", "threading.Lock()"],
    "TERSE203": [
        "httpx.URL('https://example.com').host",
        "def fetch(url): return httpx.get(url).text\nawait job_step(run=fetch, input=event.url)",
    ],
    "TERSE204": [
        "return str(Path('x') / 'y'), Path('x').suffix, os.path.join('a', 'b')",
        "await toolbox.chk.tool(name='x')",
        "open = event.open\nopen('x')",
        "reader = lambda: open('x')\nreturn await job_step(run=reader)",
        "await state.update('x', lambda value: Path('x').read_text())",
        "run = {'a': lambda: open('x')}\nreturn len(run)",
    ],
    "TERSE206": ["os = event\nreturn os.environ"],
    "TERSE208": [
        "cache = {}\ncache['x'] = 1\ncache.update(CACHE)",
        "HOUR = '2h'\nreturn HOUR",
        "event.name = 'x'",
        "return CACHE.get('x'), [*GROUPS]",
        "MAILER.send(1)",
        "CACHE = {}\nCACHE['x'] = 1",
        "TOTALS.keep(), Totals().own.append(1)",
        "class Local:\n    seen = []\nLocal.seen.append(1)\nLocal.count = 1",
        "Tags(names=[]).listed.append('x')",
    ],
    "TERSE210": ["return datetime.now(), time.time(), time.clock_gettime(0), dt.date.today(), datetime.now(UTC)"],
    "TERSE211": ["return random.random(), uuid.uuid4(), random.Random(), random.choice([1])"],
    "TERSE212": [
        "import numpy as np\nreturn np.random.default_rng(7).random(), np.array([1]).mean()",
        "return secrets.compare_digest('a', 'b'), uuid.uuid5(uuid.NAMESPACE_DNS, 'x')",
    ],
    "TERSE213": [
        "done, _ = await asyncio.wait([asyncio.create_task(later(n)) for n in range(3)])\nreturn len(done)",
        "return [await each for each in asyncio.as_completed([later(n) for n in range(3)])]",
    ],
    "TERSE214": [
        "for each in sorted({'a', event.name}):\n    await job_step(run=one, input=each)",
        "for each in {1, 2, 3}:\n    await job_step(run=one, input=each)",
        "for each in set(event.names):\n    log(each)",
        "seen = set()\nfor each in event.names:\n    if each not in seen:\n        await stepped(each)",
        "for each in dict.fromkeys(event.names):\n    await stepped(each)",
        "await job_step(run=one, input=sorted(name for name in set(event.names)))",
        "for each in set(range(3)):\n    await stepped(each)",
        "await asyncio.gather(*map(stepped, sorted(set(event.names))))",
        "await stepped(''.join(sorted(map(str.upper, set(event.names)))))",
        "async def all_of(tags: Tags):\n    for each in sorted(tags.names): await stepped(each)\nawait all_of(event)",
        "async def all_of(tags: Tags):\n    for each in tags.listed:\n        await stepped(each)\nawait all_of(event)",
    ],
    "TERSE215": ["return hash(event.id), hash((1, 2))", "return hashlib.sha256(b'x').hexdigest()"],
    "TERSE216": ["log(1)", "await job_step(run=lambda text: print(text), input='x')", "print = log\nprint(1)"],
    "TERSE301": [
        "await sleep('1.5h')",
        "await sleep(HOUR)",
        "await sleep('100')",
        "await sleep(timedelta(hours=1))",
        "await sleep(datetime(2100, 1, 1, tzinfo=UTC))",
        "await sleep(datetime.now(UTC) + timedelta(days=1))",
        "await sleep(now() + timedelta(days=1))",
        "await sleep(event.wait or BAD)",
        "await asyncio.sleep(5)",
        "from asyncio import sleep\nawait sleep(5)",
    ],
    "TERSE302": [
        "await job_step(run=none, timeout=timedelta(minutes=5), retry=Retry(initial='1s', max_delay='2m'))",
        "httpx.Timeout(timeout=5)",
        "await wait_for_input(prompt='?', timeout=None, remind_every=None)",
        "await wait_for_input(prompt='?', timeout='30d', remind_every=timedelta(days=7))",
    ],
    "TERSE303": [
        "await job_step(run=none, on_interrupt='fail', name=None, retry=None)",
        "await job_step(run=none, local=True, on_interrupt='retry')",
        "await job_step(run=none, local=False, on_interrupt='fail')",
        "await wait_for_input(prompt='?', options=None, schema=Tags, initial={'names': []})",
        "await wait_for_input(prompt='?', options=[InputOption('a', 'A')], timeout='1d', on_timeout='a')",
        "given = {'timeout': '1d'}\nawait wait_for_input(prompt='?', on_timeout='a', **given)",
    ],
    "TERSE401": [
        "try:\n    await sleep('1h')\nexcept Exception:\n    pass",
        "try:\n    await sleep('1h')\nexcept BaseException:\n    await stepped('x')\n    raise",
        "try:\n    await sleep('1h')\nexcept asyncio.CancelledError:\n    raise\nexcept BaseException:\n    pass",
        "try:\n    one(event)\nexcept:\n    pass",
        (
            "task = asyncio.create_task(later(1))\ntask.cancel()\n"
            "try:\n    await task\nexcept asyncio.CancelledError:\n    pass"
        ),
        (
            "error = None\ntry:\n    await sleep('1h')\nexcept BaseException as err:\n    error = err\n"
            "if error: raise error"
        ),
    ],
    "TERSE403": [
        "await AGENT.run_and_wait('x')",
        "await job_step(run=lambda: current_step().idempotency_key)",
        "await get_run('x').cancel()",
    ],
    "TERSE404": [
        "await job_step(run=none)\nawait job_step(run=none)",
        "for each in event.names:\n    await job_step(run=lambda data: data, input=each)",
        "await job_step(run=lambda: 1)\nawait job_step(run=lambda: 2, name='two')",
        "await job_step(run=lambda: 1)\nawait job_step(run=lambda: 1)",
        "await job_step(run=none, name=f'none-{event.x}')\nawait job_step(run=later, input=1, name=f'none-{event.x}')",
    ],
    "TERSE405": [
        "while True:\n    await job_step(run=none)\n    await sleep('1d')",
        "while True:\n    if not await job_step(run=none):\n        break",
        "while True:\n    await event.happens()",
        "while event.more:\n    await job_step(run=none)",
        "try:\n    while True:\n        await job_step(run=none)\nexcept ValueError:\n    pass",
    ],
}


def cases(bodies: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(code, body) for code, each in bodies.items() for body in each]


@pytest.mark.parametrize(("code", "body"), cases(FIRES))
def test_fires(code: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake is found, on a line of its own, and nothing else is."""
    code_of_case = handler(body, before=BEFORE, state=True)
    found = findings(code_of_case, tmp_path, monkeypatch)
    assert {each.code for each in found} == {code}
    first = code_of_case.splitlines().index("async def handle(event, state):") + 2
    if code != "TERSE204" and "Totals" not in body:  # which are in what the handler calls, too
        assert all(each.line >= first for each in found)


@pytest.mark.parametrize(("code", "body"), cases(MISSES))
def test_near_miss(code: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like it and is right is left alone."""
    assert findings(handler(body, before=BEFORE, state=True), tmp_path, monkeypatch) == []

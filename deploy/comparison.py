"""Shared by `deploy/emulate` and `deploy/sam-local`: the local DynamoDB, its table, the events, and the comparison of two
answers to one event. The attributes of an item's key are read from the engine."""

import base64
import json
import os
import re
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
FIXTURE = ROOT / "tests/conformance/fixture.json"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
START_SECONDS = 20
# Longer than the function's own limit of 10 s, so that a function that hangs appears as the emulator's timeout.
ANSWER_SECONDS = 15


def build(*flags):
    subprocess.run(["cargo", "build", "--locked", *flags], cwd=ROOT, check=True)


def load_events(files=()):
    """(name, text) of these files, or of all of events/ and of two events that are too large for files."""
    chosen = files or sorted((ROOT / "events").rglob("*.json"))
    events = [(os.path.relpath(file), Path(file).read_text()) for file in chosen]
    return events if files else events + generated_events()


def generated_events():
    event = json.loads((ROOT / "events/http-api-patch-200.json").read_text())
    long_path = {**event, "rawPath": "/stages/authenticator/sms/" + "a" * 70_000}
    large_body = {**event, "body": json.dumps({"friendly_name": "a" * 2_000_000})}
    return [("a path of 70 KB", json.dumps(long_path)), ("a body of 2 MB", json.dumps(large_body))]


# ---- the engine and its table ----------------------------------------------------------------------------------------


def start_engine(command, listen="127.0.0.1:0", *flags):
    """Starts the embedded DynamoDB; returns the process, its address and its table's name."""
    engine = subprocess.Popen(
        [command, "dynamodb", "--listen", listen, "--load", FIXTURE, *flags], stdout=subprocess.PIPE
    )
    output = b""
    deadline = time.monotonic() + START_SECONDS
    while not (found := re.search(rb"listening on (http://\S+)\ntable: (\S+)\n", output)):
        if not select.select([engine.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            stop(engine)
            sys.exit(f"{sys.argv[0]}: `sms-stage dynamodb` did not print its address")
        more = os.read(engine.stdout.fileno(), 4096)
        if not more:
            sys.exit(f"{sys.argv[0]}: `sms-stage dynamodb` ended with {engine.wait()}")
        output += more
    return engine, found[1].decode(), found[2].decode()


def stop(child):
    """Stops a process that was started here. If it does not stop, kills it, or its whole group if it leads one."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        if os.getpgid(child.pid) == child.pid:
            os.killpg(child.pid, 9)
        else:
            child.kill()
        child.wait()


class Table:
    """A local engine's table, over DynamoDB's own protocol."""

    def __init__(self, endpoint, name):
        self.endpoint, self.name = endpoint, name
        description = self.call("DescribeTable", {})["Table"]
        self.schema = {name: description[name] for name in ("KeySchema", "AttributeDefinitions")}
        self.key_names = [part["AttributeName"] for part in self.schema["KeySchema"]]
        self.fixture = self.items()

    def key(self, item):
        return {name: item[name] for name in self.key_names}

    def items(self):
        """Every item, by its key as text."""
        found, start = {}, {}
        while True:
            page = self.call("Scan", {"ConsistentRead": True, **start})
            found |= {json.dumps(self.key(item)): item for item in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def restore(self):
        """Restores the fixture's state; returns whether anything had changed."""
        now = self.items()
        for key in now.keys() - self.fixture.keys():
            self.call("DeleteItem", {"Key": json.loads(key)})
        for key, item in self.fixture.items():
            if now.get(key) != item:
                self.call("PutItem", {"Item": item})
        return now != self.fixture

    def copy_to(self, endpoint):
        """Creates the same table with the same items on another engine, which keeps nothing when it ends."""
        self.call("CreateTable", {**self.schema, "BillingMode": "PAY_PER_REQUEST"}, endpoint)
        for item in self.fixture.values():
            self.call("PutItem", {"Item": item}, endpoint)
        return Table(endpoint, self.name)

    def call(self, operation, request, endpoint=None):
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
            # Local engines require a signature, but do not check it.
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
        }
        body = json.dumps({"TableName": self.name, **request}).encode()
        request = urllib.request.Request(endpoint or self.endpoint, body, headers)
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            return json.load(answer)


# ---- two answers to one event ----------------------------------------------------------------------------------------


def answer_locally(command, event, *flags):
    """The answer of `sms-stage invoke`, on its own table."""
    done = subprocess.run(
        [command, "invoke", "--load", FIXTURE, *flags, "-"],
        input=event, capture_output=True, text=True, timeout=ANSWER_SECONDS * 2,
    )  # fmt: skip
    if done.returncode == 0:
        return parse_answer(done.stdout)
    return {"errorMessage": done.stderr.strip().splitlines()[-1], "panicked": "panicked" in done.stderr}


def answer_over_http(invocations, event):
    """The function's answer at an address that accepts invocations as Lambda does."""
    request = urllib.request.Request(invocations, event.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
    return parse_answer(text)


def parse_answer(text):
    try:
        answer = json.loads(text)
        # A scheduled event is answered with null.
        return answer if isinstance(answer, dict) else {"value": answer}
    except ValueError:
        # The emulator's own message, such as "Task timed out after 10.00 seconds".
        return {"errorMessage": text, "panicked": True}


def differences(name, event, local, emulated):
    """Returns what is wrong with the two answers, one sentence each."""
    problems = []
    # Only an event that is not an HTTP event may end in an invocation error, and then on both sides, without a panic.
    for side, answer in (("sms-stage invoke", local), ("bootstrap", emulated)):
        if answer.get("panicked") or "panicked" in str(answer.get("errorMessage")):
            problems.append(f"{side} gave no answer: {answer['errorMessage']}")
    kinds = [{"statusCode", "errorMessage", "value"} & answer.keys() for answer in (local, emulated)]
    if kinds[0] != kinds[1] or local.get("value") != emulated.get("value"):
        problems.append(f"sms-stage invoke: {outcome(local)}; bootstrap: {outcome(emulated)}")
    elif "statusCode" in local:
        known = set(UUID.findall(event + FIXTURE.read_text()))
        local, emulated = comparable(local, known), comparable(emulated, known)
        for key in sorted(local.keys() | emulated.keys()):
            if local.get(key) != emulated.get(key):
                problems.append(f"{key}: sms-stage invoke {local.get(key)}; bootstrap {emulated.get(key)}")
    expected = re.search(r"-(\d{3})\.json$", name)
    if expected and emulated.get("statusCode") != int(expected[1]):
        problems.append(f"the status in the file name is {expected[1]}")
    return problems


def comparable(answer, known):
    """The answer without what differs in every run: the write id in the ETag, and the UUIDs that the function generated."""
    text = json.dumps(answer)
    text = re.sub(r'(\\"\d+)-[0-9a-f]{8}\\"', r'\1-…\\"', text)
    text = UUID.sub(lambda uuid: uuid[0] if uuid[0] in known else "…", text)
    answer = json.loads(text)
    try:
        answer["body"] = json.loads(answer["body"])
    except (KeyError, TypeError, ValueError):
        pass
    return answer


def outcome(answer):
    return str(answer.get("statusCode") or answer.get("errorMessage") or answer.get("value")).strip()[:200]


# ---- what must not be in the log -------------------------------------------------------------------------------------


def find_leaks(events, log):
    return sorted(secret for secret in private_texts(events) if secret in log)


def private_texts(events):
    """Keys of tokens, secrets, and every text in a body, if long enough not to be in the log for another reason."""
    fixture = json.loads(FIXTURE.read_text())
    found = {token["key"] for token in fixture["tokens"]}
    found |= {stage[field] for stage in fixture["stages"] for field in ("auth", "auth_password")}
    for _, event in events:
        found |= {key for key in re.findall(r"Bearer ([^\",]+)", event)}
        try:
            event = json.loads(event)
            body = event["body"]
            body = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
        except (KeyError, TypeError, ValueError, RecursionError):
            continue
        found |= {text for text in texts(body) if len(text) >= 10}
    # The fixture's shortest secret is "hunter2"; "x" is in every log.
    return {text for text in found if len(text) >= 7 and not UUID.fullmatch(text)}


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from texts(element)
    elif isinstance(value, dict):
        for element in value.values():
            yield from texts(element)

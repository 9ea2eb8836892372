"""Checks which alarms of template.yaml fire on made-up traffic: from one to a thousand requests a minute, on the HTTP API,
with its JWT authorizer, and on any other trigger. Run by deploy/lint, with the Python of its tools.

The template itself is evaluated: the expressions of metric math, the periods, the treatment of missing data, and the filters
that make metrics of the access log.
"""

import fnmatch
import json
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudformation import load_template

ROOT = Path(__file__).resolve().parent.parent
OWN = "AuthenticatorSmsStage"
PERIOD_SECONDS = 300
# The longest window of an alarm, and one more period before it.
PERIODS = 4


def main():
    resources = load_template()["Resources"]
    alarms = {name: it["Properties"] for name, it in resources.items() if it["Type"] == "AWS::CloudWatch::Alarm"}
    gateway = Gateway(resources)
    failures = check_sources(alarms, gateway)
    count = 0
    for name, rate, trigger, traffic, expected in scenarios():
        count += 1
        series = collect([gateway.metrics(period, trigger) for period in traffic])
        # AWS does not say whether FILL makes a series if a metric has no value at all, so the alarms must work in both cases.
        for semantics in (fill, fill_gaps):
            FUNCTIONS["FILL"] = semantics
            fired = {alarm for alarm, properties in alarms.items() if is_in_alarm(properties, series)}
            if fired != expected:
                failures += 1
                print(f"FAILED {name}, {rate} a minute, {trigger}: {sorted(fired)} instead of {sorted(expected)}")
    print(f"{count} scenarios, {failures} failed")
    return 1 if failures else 0


# ---- the traffic -----------------------------------------------------------------------------------------------------


@dataclass
class Period:
    """The traffic of five minutes: the numbers of requests, by how they ended."""

    good: int = 0
    unavailable: int = 0  # 503, because of the table
    wrong: int = 0  # 500, because of the table as well, such as an item that cannot be read
    denied: int = 0  # 403
    not_implemented: int = 0  # 501
    crashed: int = 0  # no answer: a crash, the function's time limit, a binary that does not start
    not_invoked: int = 0  # the gateway may not, or cannot, call the function
    not_started: int = 0  # Lambda had no concurrency left
    over_the_limit: int = 0  # the gateway's own 429
    unauthorized: int = 0  # the JWT authorizer's 401
    table_throttles: int = 0  # counted by DynamoDB, and mostly resolved by a retry
    latency: float = 20
    heartbeat: str = "good"  # or "crashed", or "none"


def scenarios():
    """(name, requests a minute, trigger, periods, the alarms that must fire)"""
    for rate in (1, 10, 1000):
        n = 5 * rate
        one = max(1, n // 100)  # one in a hundred, but at least one
        for trigger in ("HTTP API", "other trigger"):

            def all_the_time(name, expected, **what):
                return name, rate, trigger, [Period(**what)] * PERIODS, set(expected.split())

            yield all_the_time("all is well", "", good=n)
            yield all_the_time("the table is gone", "ServerErrors StoreErrors", unavailable=n)
            yield all_the_time("every second request fails", "ServerErrors StoreErrors", good=n - n // 2, unavailable=max(1, n // 2))
            yield all_the_time("every item is unreadable", "ServerErrors StoreErrors", wrong=n)
            yield all_the_time("every request crashes", "ServerErrors", crashed=n)
            yield all_the_time("the function does not start", "ServerErrors Silent", crashed=n, heartbeat="crashed")
            yield all_the_time("Lambda starts nothing", "Throttled Silent" + " ServerErrors" * (trigger == "HTTP API"),
                               not_started=n, heartbeat="none")  # fmt: skip
            yield all_the_time("DynamoDB throttles one in a hundred", "Throttled", good=n, table_throttles=one)
            yield all_the_time("every token has expired", "Refused", denied=n)
            yield all_the_time("every answer takes two seconds", "SlowAnswers", good=n, latency=2000)
            yield all_the_time("a client asks for other resources", "", not_implemented=n)
            healthy, bad = Period(good=n), Period(good=n - one, unavailable=one)
            if rate == 1000:
                yield all_the_time("one in a hundred fails", "", good=n - one, unavailable=one)
            if rate > 1:
                yield all_the_time("one in fifty fails", "ServerErrors StoreErrors", good=n - 2 * one, unavailable=2 * one)
                yield all_the_time("one in a hundred is denied", "", good=n - one, denied=one)
            yield "one period has a 503", rate, trigger, [healthy, bad, healthy, healthy], set()
            yield "the last period has a 503", rate, trigger, [healthy, healthy, healthy, bad], set()
            yield ("requests begin to fail", rate, trigger,
                   [healthy, healthy, Period(unavailable=n), Period(unavailable=n)], {"ServerErrors", "StoreErrors"})  # fmt: skip
            yield ("requests fail between quiet periods", rate, trigger,
                   [Period(), Period(unavailable=n), Period(), Period(unavailable=n)], {"ServerErrors", "StoreErrors"})  # fmt: skip
            yield ("tokens are guessed during everyday traffic", rate, trigger,
                   [replace(healthy, denied=n + 100)] * PERIODS, {"Refused"})  # fmt: skip
        n_one = max(1, n // 100)
        on_http_api = {
            "the gateway may not call the function": ("ServerErrors Silent", Period(not_invoked=n, heartbeat="none")),
            "the gateway refuses every second request": ("Throttled", Period(good=n, over_the_limit=n)),
            "the gateway refuses one in a hundred": ("Throttled", Period(good=n, over_the_limit=n_one + 1)),
        }
        for name, (expected, period) in on_http_api.items():
            yield name, rate, "HTTP API", [period] * PERIODS, set(expected.split())
        yield "every JWT has expired", rate, "HTTP API", [Period(unauthorized=n)] * PERIODS, {"Refused"}
        yield "a JWT without the permission", rate, "HTTP API", [Period(denied=n)] * PERIODS, {"Refused"}
        yield "all JWTs are good", rate, "HTTP API", [Period(good=n)] * PERIODS, set()
    yield "no requests", 0, "HTTP API", [Period()] * PERIODS, set()
    yield "no requests, and it would not start", 0, "HTTP API", [Period(heartbeat="crashed")] * PERIODS, {"ServerErrors", "Silent"}
    yield "nothing runs", 0, "other trigger", [Period(heartbeat="none")] * PERIODS, {"Silent"}
    yield "one heartbeat was late", 0, "HTTP API", [Period(), Period(), Period(), Period(heartbeat="none")], set()


# ---- from traffic to metrics -----------------------------------------------------------------------------------------


class Gateway:
    """CloudWatch's metrics of a period: of the function, of Lambda, of the table, and of the HTTP API with its access log."""

    def __init__(self, resources):
        text = resources["DeploymentStage"]["Properties"]["AccessLogSettings"]["Format"]
        # A line of the log must be JSON for any values of the variables.
        json.loads(re.sub(r"\$context\.[A-Za-z.]+", "x", text))
        self.line = text
        self.filters = {
            name: Filter(it["Properties"]) for name, it in resources.items() if it["Type"] == "AWS::Logs::MetricFilter"
        }

    def metrics(self, period, trigger):
        answered = period.good + period.unavailable + period.wrong + period.denied + period.not_implemented
        found = {}
        if answered:
            found |= {
                (OWN, "Requests"): answered,
                (OWN, "Errors5xx"): period.unavailable + period.wrong,
                # Every 500 and 503 of the function has its cause in the table.
                (OWN, "StoreErrors"): period.unavailable + period.wrong,
                (OWN, "Denied"): period.denied,
                (OWN, "Throttled"): 0,
                (OWN, "Latency"): period.latency,
            }
        heartbeats = 0 if period.heartbeat == "none" else 1
        crashed = period.crashed + (period.heartbeat == "crashed")
        if invoked := answered + period.crashed + heartbeats:
            found |= {("AWS/Lambda", "Invocations"): invoked, ("AWS/Lambda", "Errors"): crashed}
        if invoked or period.not_started:
            found[("AWS/Lambda", "Throttles")] = period.not_started
        if period.table_throttles:
            found[("AWS/DynamoDB", "ReadThrottleEvents")] = period.table_throttles
        if trigger == "HTTP API":
            statuses = {
                "200": period.good, "503": period.unavailable + period.not_invoked + period.not_started,
                "500": period.wrong + period.crashed, "403": period.denied, "501": period.not_implemented,
                "429": period.over_the_limit, "401": period.unauthorized,
            }  # fmt: skip
            if count := sum(statuses.values()):
                found[("AWS/ApiGateway", "Count")] = count
            for one in self.filters.values():
                matched = sum(number for status, number in statuses.items() if number and one.matches(self.log_line(status)))
                if matched:
                    found[(one.namespace, one.metric)] = matched
        return found

    def log_line(self, status):
        return json.loads(re.sub(r"\$context\.[A-Za-z.]+", lambda it: status if it[0] == "$context.status" else "x", self.line))


class Filter:
    """A metric filter: terms on JSON members, all of which must hold."""

    def __init__(self, properties):
        (transformation,) = properties["MetricTransformations"]
        self.namespace, self.metric = transformation["MetricNamespace"], transformation["MetricName"]
        self.dimensions = [it["Value"].removeprefix("$.") for it in transformation["Dimensions"]]
        term = r'\(?\s*\$\.(\w+)\s*(=|!=)\s*"([^"]*)"\s*\)?'
        pattern = properties["FilterPattern"]
        assert re.fullmatch(rf"\{{\s*{term}(\s*&&\s*{term})*\s*\}}", pattern), pattern
        self.terms = re.findall(term, pattern)

    def matches(self, line):
        # A line without the member of a dimension makes no metric.
        return all(name in line for name in self.dimensions) and all(
            fnmatch.fnmatchcase(line[name], value) == (operator == "=") for name, operator, value in self.terms
        )


def collect(periods):
    """Each metric's values, one per period; None if it has none."""
    names = {name for period in periods for name in period}
    return {name: [period.get(name) for period in periods] for name in names}


def check_sources(alarms, gateway):
    """Each metric of our own must be written by the function or made by a filter, with the dimensions that the alarm uses."""
    failures = 0
    written = set()
    for file in sorted((ROOT / "src").rglob("*.rs")):
        if f'namespace: "{OWN}"' in (text := file.read_text()):
            written |= set(re.findall(r'(?:count\(|name: )"(\w+)"', text))
    filtered = {one.metric: set(one.dimensions) for one in gateway.filters.values()}
    for alarm, properties in alarms.items():
        stats = [it["MetricStat"]["Metric"] for it in properties.get("Metrics", []) if "MetricStat" in it] or [properties]
        for metric in stats:
            name, dimensions = metric["MetricName"], {it["Name"] for it in metric["Dimensions"]}
            if metric["Namespace"] != OWN:
                continue
            if dimensions == {"FunctionName", "Route"}:
                known = name in written
            else:
                known = name in filtered and dimensions == {"ApiId"} and filtered[name] == {"apiId"}
            if not known:
                failures += 1
                print(f"FAILED {alarm}: nothing writes {name} with {sorted(dimensions)}")
    return failures


# ---- the alarm -------------------------------------------------------------------------------------------------------


def is_in_alarm(properties, series):
    """Whether the alarm is on after the last period."""
    values = values_of(properties, series)
    threshold = properties["Threshold"]
    breaches = {
        "GreaterThanOrEqualToThreshold": lambda value: value >= threshold,
        "GreaterThanThreshold": lambda value: value > threshold,
        "LessThanThreshold": lambda value: value < threshold,
    }[properties["ComparisonOperator"]]
    missing = {"breaching": True, "notBreaching": False}[properties["TreatMissingData"]]
    window = values[-properties["EvaluationPeriods"] :]
    breaching = sum(missing if value is None else breaches(value) for value in window)
    return breaching >= properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])


def values_of(properties, series):
    """The values that the threshold is compared with."""
    if "MetricName" in properties:
        assert properties["Period"] == PERIOD_SECONDS
        return series.get((properties["Namespace"], properties["MetricName"]), [None] * PERIODS)
    metrics = {it["Id"]: it for it in properties["Metrics"]}
    (result,) = [it for it in properties["Metrics"] if it["ReturnData"]]
    used = set()

    def value(name):
        used.add(name)
        metric = metrics[name]
        if "Expression" in metric:
            return Expression(metric["Expression"], value).evaluate()
        stat = metric["MetricStat"]
        assert stat["Period"] == PERIOD_SECONDS and stat["Stat"] == "Sum", name
        return series.get((stat["Metric"]["Namespace"], stat["Metric"]["MetricName"]), [None] * PERIODS)

    found = value(result["Id"])
    assert used == metrics.keys(), f"not used: {metrics.keys() - used}"
    return found


@dataclass
class Expression:
    """Metric math: names, numbers, the four operations, comparisons, lists, FILL, IF, SUM, MAX.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """

    text: str
    value: object
    tokens: list = field(default_factory=list)

    LEVELS = [("<=", ">=", "<", ">", "==", "!="), ("+", "-"), ("*", "/")]

    def evaluate(self):
        self.tokens = re.findall(r"[A-Za-z]\w*|\d+(?:\.\d+)?|<=|>=|==|!=|[-+*/<>()\[\],]|\S", self.text)
        found = self.operation(0)
        assert not self.tokens, f"{self.text}: {self.tokens} is left"
        return found

    def operation(self, level):
        if level == len(self.LEVELS):
            return self.operand()
        left = self.operation(level + 1)
        while self.tokens and self.tokens[0] in self.LEVELS[level]:
            operator = self.tokens.pop(0)
            left = pointwise(OPERATORS[operator], left, self.operation(level + 1))
        return left

    def operand(self):
        token = self.tokens.pop(0)
        if token == "(":
            found = self.operation(0)
            self.take(")")
            return found
        if token == "[":
            return self.arguments("]")
        if re.fullmatch(r"\d+(\.\d+)?", token):
            return float(token)
        if self.tokens and self.tokens[0] == "(":
            self.take("(")
            return FUNCTIONS[token](*self.arguments(")"))
        return self.value(token)

    def arguments(self, end):
        found = [self.operation(0)]
        while self.tokens[0] == ",":
            self.take(",")
            found.append(self.operation(0))
        self.take(end)
        return found

    def take(self, token):
        assert self.tokens.pop(0) == token, self.text


def pointwise(function, *operands):
    """Applies a function to each period. If an operand has no value there, the result has none."""
    if not any(isinstance(it, list) for it in operands):
        return function(*operands)
    columns = [it if isinstance(it, list) else [it] * PERIODS for it in operands]
    return [None if None in row else function(*row) for row in zip(*columns)]


def fill(series, filler):
    return [filler if value is None else value for value in series]


def fill_gaps(series, filler):
    return series if all(value is None for value in series) else fill(series, filler)


def present(function):
    """For functions of a list of series: missing values are left out."""

    def apply(series):
        columns = [it if isinstance(it, list) else [it] * PERIODS for it in series]
        rows = [[value for value in row if value is not None] for row in zip(*columns)]
        return [function(row) if row else None for row in rows]

    return apply


def choose(condition, yes, no):
    # Only the chosen branch is used: the other may have no value there, such as a division by zero.
    columns = [it if isinstance(it, list) else [it] * PERIODS for it in (condition, yes, no)]
    return [None if which is None else (a if which else b) for which, a, b in zip(*columns)]


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: None if b == 0 else a / b,
    ">": lambda a, b: float(a > b),
    "<": lambda a, b: float(a < b),
    ">=": lambda a, b: float(a >= b),
    "<=": lambda a, b: float(a <= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
}
FUNCTIONS = {
    "FILL": fill,
    "IF": choose,
    "SUM": present(sum),
    "MAX": present(max),
}


if __name__ == "__main__":
    sys.exit(main())

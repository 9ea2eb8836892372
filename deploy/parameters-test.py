"""Checks what no linter does: which parameters template.yaml accepts and refuses, alone and together, and that other files
refer only to resources that it has. Run by deploy/lint, with the Python of its tools.
"""

import json
import re
import sys

from cloudformation import ROOT, load_template

# Values of single parameters: good ones, bad ones.
VALUES = {
    "DynamoDbEndpoint": (
        [
            "", "https://dynamodb-fips.us-east-1.amazonaws.com", "http://host.docker.internal:8001", "http://127.0.0.1:8000/",
            "http://[::1]:8000", "https://vpce-0a1b.dynamodb.eu-central-1.vpce.amazonaws.com",
        ],
        [
            "localhost:8001", "https://", "http://127.0.0.1:8000 ", "http://127.0.0.1:8000\n", "https://dynamodb.<region>.amazonaws.com",
            "https://dynamodb.${AWS::Region}.amazonaws.com", "http://user@host", "http://host:0", "http://host/path", "http://host?a=b",
        ],
    ),
    "AuthentikVersion": (
        ["", "2024.2", "2024.2.0", "2024.12.5", "2025.8", "2025.10.4", "2026.5.9", "2026.8.7"],
        [
            "latest", "2025", "v2025.8", "2025.8.", "2025.8 ", "2025.08", "2025.8.00", "2025.8.1.1",
            # Lines and patches that the function does not know.
            "2023.10", "2024.3", "2024.12.6", "2024.12.10", "2025.1", "2026.8.8", "2026.10", "2027.2",
        ],
    ),
    "ExistingTable": (["", "stages-restored", "a.b_c-d"], ["ab", "a/b", "arn:aws:dynamodb:eu-central-1:1:table/a"]),
    "JwtIssuer": (["", "https://issuer.example/"], ["http://issuer.example/", "issuer.example"]),
}  # fmt: skip

# Combinations of parameters, and whether CloudFormation may continue.
TOGETHER = [
    ({}, True),
    ({"ExistingTable": "stages-restored", "NewTable": "no"}, True),
    # Would silently start an empty table.
    ({"ExistingTable": "", "NewTable": "no"}, False),
    ({"ExistingTable": "stages-restored"}, False),
    ({"JwtIssuer": "https://issuer.example/"}, False),
    ({"JwtIssuer": "https://issuer.example/", "JwtAudience": "stages"}, True),
    ({"JwtAudience": "stages"}, True),
]


def main():
    template = load_template()
    problems = [*check_values(template), *check_together(template), *check_names(template)]
    for problem in problems:
        print(f"FAILED {problem}")
    count = sum(len(good) + len(bad) for good, bad in VALUES.values()) + len(TOGETHER)
    print(f"{count} values, {len(problems)} failed")
    return 1 if problems else 0


def check_values(template):
    for name, (good, bad) in VALUES.items():
        pattern = template["Parameters"][name]["AllowedPattern"]
        for value, expected in [(value, True) for value in good] + [(value, False) for value in bad]:
            # CloudFormation matches the whole value.
            if bool(re.fullmatch(pattern, value)) != expected:
                yield f"{name}: {value!r} is {'refused' if expected else 'accepted'}"


def check_together(template):
    for given, expected in TOGETHER:
        values = {name: str(it.get("Default", "")) for name, it in template["Parameters"].items()} | given
        holds = all(
            evaluate(assertion["Assert"], values)
            for rule in template["Rules"].values()
            if evaluate(rule.get("RuleCondition", True), values)
            for assertion in rule["Assertions"]
        )
        if holds != expected:
            yield f"{given} {'is refused' if expected else 'is accepted'}"


def evaluate(node, values):
    """Evaluates the functions that rules and conditions have."""
    if not isinstance(node, dict):
        return node
    ((function, argument),) = node.items()
    match function:
        case "Ref":
            return values[argument]
        case "Equals":
            left, right = (evaluate(it, values) for it in argument)
            return left == right
        case "Not":
            return not evaluate(argument[0], values)
        case "And":
            return all(evaluate(it, values) for it in argument)
        case "Or":
            return any(evaluate(it, values) for it in argument)
        case "Contains":
            # The list is a parameter, with commas between its values.
            listed, value = (evaluate(it, values) for it in argument)
            return value in listed.split(",")
    raise NotImplementedError(function)


def check_names(template):
    resources = template["Resources"]
    policy = json.loads((ROOT / "deploy/stack-policy.json").read_text())
    for statement in policy["Statement"]:
        name = statement["Resource"].removeprefix("LogicalResourceId/")
        if name != "*" and name not in resources:
            yield f"deploy/stack-policy.json: there is no {name}"
    for name in json.loads((ROOT / "deploy/env.json").read_text()):
        if name not in resources:
            yield f"deploy/env.json: there is no {name}"
    order = list(resources)
    if order.index("Api") > order.index("StageFunction"):
        yield "`sam local start-api` finds no routes unless Api is before StageFunction"


if __name__ == "__main__":
    sys.exit(main())

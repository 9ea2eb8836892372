"""Reads template.yaml for the tests in this folder."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref A` becomes {"Ref": "A"}, in the order of the file."""


def short_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        return {tag: node.value}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    return {tag: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


def load_template():
    return yaml.load((ROOT / "template.yaml").read_text(), Loader)

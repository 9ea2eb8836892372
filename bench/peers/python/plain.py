"""The endpoint as a good tutorial has it: the client at module level, everything else in each call."""

import boto3

from endpoint import answer, read_token

client = boto3.client("dynamodb")


def handler(event, context):
    return answer(event, client, lambda digest: read_token(client, digest))

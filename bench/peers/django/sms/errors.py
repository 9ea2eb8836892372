"""Adds the error's code to the body of an error, as authentik does."""

from rest_framework.exceptions import ValidationError
from rest_framework.views import exception_handler as default_exception_handler


def exception_handler(exception, context):
    response = default_exception_handler(exception, context)
    if response is not None and isinstance(response.data, dict):
        is_invalid = isinstance(exception, ValidationError)
        response.data["code"] = "invalid" if is_invalid else response.data["detail"].code
    return response

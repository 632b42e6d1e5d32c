"""What schemathesis has to be told: a media type of tus that it knows no way to write, and to come from many addresses.

One address may present only so much that opens nothing; what is asked here is how each answer looks, thousands of times.
"""

import itertools

import requests
import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

# Every request, also those that the checks make by themselves, seems to come from an address of its own.
_numbers = itertools.count(1)
_send = requests.Session.send


def _from_elsewhere(self, request, **settings):
    number = next(_numbers)
    request.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return _send(self, request, **settings)


requests.Session.send = _from_elsewhere

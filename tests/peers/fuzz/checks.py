"""What schemathesis is told beside a description: checks of our own, and things that are there.

LECTERN_FUZZ_PRIVATE is a JSON list of texts that no answer may have: folders of the server, its secrets. LECTERN_FUZZ_THERE is a JSON object with ids
of things that are there, by the paths that name them: not every request should be about something that is not.
"""

import json
import os
import zlib

import schemathesis

THERE = json.loads(os.environ.get("LECTERN_FUZZ_THERE", "{}"))
PRIVATE = json.loads(os.environ.get("LECTERN_FUZZ_PRIVATE", "[]"))
# What only a program that broke would say.
BROKEN = ["panicked at", "RUST_BACKTRACE", ".rs:", "SqliteFailure", "os error"]


@schemathesis.serializer("application/sdp")
def sdp(ctx, value):
    """An offer is text, whatever it says."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Half of the requests are about something that is there."""
    there = THERE.get(ctx.operation.path)
    for name in ("id", "room"):
        if there and path_parameters and name in path_parameters:
            choice = zlib.crc32(repr(path_parameters[name]).encode())
            if choice % 2:
                path_parameters[name] = there[choice // 2 % len(there)]
    return path_parameters


@schemathesis.hook
def map_body(ctx, body):
    """Jobs wait until somebody starts them: what is tried is the server, not what makes films."""
    if ctx.operation.path == "/v1/jobs" and isinstance(body, dict):
        body["hold"] = True
    return body


@schemathesis.check
def nothing_breaks(ctx, response, case):
    """Whatever is sent is no reason for the server to fail. 503 is one for it to say that something is not set up or too busy."""
    if response.status_code >= 500 and response.status_code != 503:
        raise AssertionError(f"{response.status_code}: {response.content[:500]!r}")


@schemathesis.check
def nothing_private(ctx, response, case):
    """No answer names a place of the server's machine, a secret, or a line of its source."""
    sent = str(response.request.url) + str(response.request.headers) + str(response.request.body)
    text = response.content.decode("utf-8", "replace") + str(response.headers)
    for private in PRIVATE + BROKEN:
        if private in text and private not in sent:
            raise AssertionError(f"the answer has {private!r}: {text[:500]}")


@schemathesis.check
def errors_are_explained(ctx, response, case):
    """Errors of the native API are problems of RFC 9457 with a code and what happened."""
    if response.status_code < 400 or case.operation.method.upper() == "HEAD":
        return
    kind = response.headers.get("content-type", [""])[0]
    if kind != "application/problem+json":
        raise AssertionError(f"{response.status_code} is told as {kind!r}: {response.content[:200]!r}")
    problem = response.json()
    if problem["status"] != response.status_code or not problem["code"] or not problem["detail"]:
        raise AssertionError(f"the problem says too little: {problem}")

"""Signs requests with botocore: a JSON list of requests on stdin, a JSON list of the fields that each gets on stdout."""
import base64
import datetime
import hashlib
import json
import sys

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def sign(request):
    at = datetime.datetime.fromtimestamp(request["at"] / 1000, datetime.timezone.utc)

    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return at.replace(tzinfo=None)

        @classmethod
        def now(cls, tz=None):
            return at

    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda *_: at
    else:
        botocore.auth.datetime.datetime = Clock
    body = base64.b64decode(request["body"])
    headers = {}
    for name, value in request["headers"]:
        lower = name.lower()
        if lower == "content-type" or lower.startswith(("anthropic-", "x-amz")):
            headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
    headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    made = AWSRequest(method=request["method"], url=request["url"], headers=headers, data=body)
    keys = request["keys"]
    botocore.auth.SigV4Auth(Credentials(keys["accessKeyId"], keys["secretAccessKey"], keys.get("sessionToken")), request["service"], request["region"]).add_auth(made)
    names = ["Authorization", "X-Amz-Date", "X-Amz-Content-SHA256", "X-Amz-Security-Token"]
    return {name.lower(): made.headers[name] for name in names if made.headers.get(name) is not None}


json.dump([sign(request) for request in json.load(sys.stdin)], sys.stdout)

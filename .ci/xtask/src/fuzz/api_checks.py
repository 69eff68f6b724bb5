"""What a fault of the registry may look like: `cargo xtask fuzz --only api` loads this into schemathesis."""

import schemathesis

# A registry without a key for an issuer says so, and a registry under load sends callers away. What is left,
# `internal` and `damaged`, must never come from a request alone.
DOCUMENTED = {500: ["misconfigured"], 503: ["busy", "slow", "unavailable"], 507: ["full"]}


@schemathesis.check
def documented_fault(ctx, response, case):
    """A status of 500 or more is a problem that the operator or the caller can do something about."""
    if response.status_code < 500:
        return
    names = DOCUMENTED.get(response.status_code, [])
    problem = response.json().get("type", "") if "json" in response.headers.get("content-type", [""])[0] else ""
    assert problem.removeprefix("urn:hufu:problem:") in names, f"a fault of the registry: {response.text}"

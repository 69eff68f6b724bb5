"""Enrols a gate over HTTPS and writes the session to standard output: what firmware does with its own TLS library.

    enrol.py gates/7 engine.example 7413 | ...
    enrol.py gates/7 engine.example 7413 GET /v1/offline/issuers

The gate's folder is one of `hufu ca device`. The session holds secret keys: keep it where only the gate reads it,
and hand it in once: a gate that starts again enrols again.
With a method and a path it asks for something else, and posts what is on standard input. It ends with 0; with 3 when the
engine refuses, whose reason is on standard output then; with 1 when none answers.
"""

import http.client
import pathlib
import ssl
import sys

ENGINE_NAME = "engine.hufu"  # the name that every engine's certificate carries, at whatever address it is


class Engine(http.client.HTTPSConnection):
    """A connection to an address, and a certificate for the engine's name."""

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=ENGINE_NAME)


class Refused(OSError):
    """The engine answers, and does not do it; `body` is its reason."""

    def __init__(self, says: str, body: bytes):
        super().__init__(says)
        self.body = body


def enrol(gate: pathlib.Path, host: str, port: int) -> bytes:
    return ask(gate, host, port, "POST", "/v1/enrol")


def ask(gate: pathlib.Path, host: str, port: int, method: str, path: str, body: bytes = b"") -> bytes:
    context = ssl.create_default_context(cafile=gate / "ca.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(gate / "device.pem", gate / "device.key")
    engine = Engine(host, port, timeout=10, context=context)
    engine.connect()
    try:
        engine.request(method, path, body=body or None)
        answer = engine.getresponse()
        told = answer.read()
    except ssl.SSLError as error:
        # Behind the handshake it is the engine itself that says so; before it, anyone could.
        if (error.reason or "").endswith("CERTIFICATE_REVOKED"):
            raise Refused(f"{host}:{port}: {error}", b"device-revoked") from error
        raise
    except http.client.HTTPException as error:
        raise OSError(f"{host}:{port}: {error!r}") from error
    finally:
        engine.close()
    if answer.status != 200:
        raise Refused(f"{host}:{port} refuses this gate: {answer.status} {told.decode(errors='replace')}", told)
    return told


if __name__ == "__main__":
    method, path = sys.argv[4:] or ("POST", "/v1/enrol")
    posted = sys.stdin.buffer.read() if path != "/v1/enrol" and method == "POST" else b""
    try:
        sys.stdout.buffer.write(ask(pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), method, path, posted))
    except Refused as refused:
        if sys.argv[4:]:
            sys.stdout.buffer.write(refused.body)
        print(f"enrol.py: {refused}", file=sys.stderr)
        sys.exit(3)
    except OSError as error:
        sys.exit(f"enrol.py: {error}")

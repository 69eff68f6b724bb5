"""Enrols a gate over HTTPS and writes the session to standard output: what firmware does with its own TLS library.

    enrol.py gates/7 engine.example 7413 | ...

The gate's folder is one of `hufu ca device`. The session holds secret keys: keep it where only the gate reads it.
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


def enrol(gate: pathlib.Path, host: str, port: int) -> bytes:
    context = ssl.create_default_context(cafile=gate / "ca.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(gate / "device.pem", gate / "device.key")
    engine = Engine(host, port, timeout=10, context=context)
    engine.request("POST", "/v1/enrol")
    answer = engine.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise OSError(f"{host}:{port} refuses this gate: {answer.status} {body.decode(errors='replace')}")
    return body


if __name__ == "__main__":
    try:
        sys.stdout.buffer.write(enrol(pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
    except OSError as error:
        sys.exit(f"enrol.py: {error}")

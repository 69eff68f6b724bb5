"""A gate that decides without a network, in Python: while an engine answers over HTTPS it fetches everything that decides,
and hands its records over. It reads scans from standard input, a line each, and prints the verdict of its own.

    HUFU_GATE_LIBRARY=libhufu_gate.so python3 offline.py gates/7 engine.example 7413 operator.pub 7 310101 < scans

Behind the engine are the operator's public key, the device and its site. The library is built with the feature `offline`.
"""

import os
import pathlib
import sys
import tomllib

from enrol import Refused, ask, enrol
from hufu_gate import DECISIONS, VERDICT, Offline, boot_ms, load, reason


def tend(offline: Offline, gate: pathlib.Path, host: str, port: int, is_told: bool) -> bool:
    """Whether an engine has told the time, and answers."""
    try:
        if not is_told:
            asked, session = boot_ms(), enrol(gate, host, port)
            if boot_ms() - asked > 1_000:  # by how much its time is late cannot be told: ask again before the next scan
                print("the engine took too long to tell the time", file=sys.stderr, flush=True)
                return False
            offline.enrolled(session)  # a gate with a session has the time of each verdict
            offline.hurry()
        offline.tend(lambda *errand: ask(gate, host, port, *errand), Refused)
        lacks = offline.lacks()
        print(f"lacks {lacks}" if lacks else "an engine answers", file=sys.stderr, flush=True)
        return True
    except Refused as error:  # of the enrolment
        offline.refused(error.body)
        print(f"refused: {error}", file=sys.stderr, flush=True)
        return False
    except OSError as error:
        print(f"no engine: {error}", file=sys.stderr, flush=True)
        return False
    finally:
        for record, issuer in offline.turned_red():
            print(f"turned red: issuer {issuer}, record {record}", flush=True)


if __name__ == "__main__":
    gate, host, port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    key = bytes.fromhex(tomllib.loads(pathlib.Path(sys.argv[4]).read_text())["public"])
    kit = load(os.environ.get("HUFU_GATE_LIBRARY", "libhufu_gate.so"))
    offline, is_told = Offline(kit, str(gate / "offline"), key, int(sys.argv[5]), int(sys.argv[6])), False
    for line in sys.stdin.buffer:
        is_told = tend(offline, gate, host, port, is_told)
        own = offline.check(line.rstrip(b"\r\n"))
        if own.what != VERDICT:
            print(f"shut  no verdict: fault {own.fault}", flush=True)
            continue
        verdict = own.verdict
        print(f"{DECISIONS[verdict.decision]}  {reason(kit, verdict.reason)}", end="")
        print(f" (without a network; as of change set {verdict.as_of}, {verdict.age_ms // 1000} s old)", flush=True)
    offline.close()

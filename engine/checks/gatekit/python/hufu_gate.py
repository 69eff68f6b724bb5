"""libhufu-gate from Python, over ctypes: the gate of examples/gate.c in another language.

    HUFU_GATE_LIBRARY=libhufu_gate.so python3 hufu_gate.py 192.0.2.1 'hufu enrol --gate gates/7' < scans
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import time
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

NOTHING, SEND, ENROL, VERDICT, NO_VERDICT = range(5)
GET, POST = 5, 6
NO_ANSWER = 1
DATAGRAM_BYTES_MAX = 128
DECISIONS = ("?", "open", "a person must look", "shut")


class Options(ctypes.Structure):
    _fields_ = [(name, c_uint32) for name in ("engines", "budget_ms", "retry_after_ms", "tries_per_engine")]


class Verdict(ctypes.Structure):
    _fields_ = [("server_time_ms", c_uint64), ("as_of", c_uint64), ("age_ms", c_uint32), ("clock_offset_s", c_int32)]
    _fields_ += [(name, c_uint32) for name in ("decision", "reason", "colour", "kind")]


class Output(ctypes.Structure):
    _fields_ = [("what", c_uint32), ("engine", c_uint32), ("port", c_uint16), ("fault", c_uint32)]
    _fields_ += [("bytes", POINTER(c_uint8)), ("length", c_size_t), ("verdict", Verdict)]


class OfflineOptions(ctypes.Structure):
    _fields_ = [(name, c_uint32) for name in ("device", "site", "holders_max", "drift_ppm")]


class Errand(ctypes.Structure):
    _fields_ = [("what", c_uint32), ("path", c_char_p), ("bytes", POINTER(c_uint8)), ("length", c_size_t)]


class OfflineVerdict(ctypes.Structure):
    _fields_ = [("what", c_uint32), ("fault", c_uint32), ("since_ms", c_uint64), ("uncertain_ms", c_uint64)]
    _fields_ += [("verdict", Verdict)]


class TurnedRed(ctypes.Structure):
    _fields_ = [("record", c_uint64), ("sequence", c_uint64), ("issuer", c_uint32)]


def load(path: str) -> ctypes.CDLL:
    kit = ctypes.CDLL(path)
    kit.hufu_gate_new.argtypes = [POINTER(Options), c_uint64, c_uint32, c_char_p, c_size_t, POINTER(c_int32)]
    kit.hufu_gate_new.restype = c_void_p
    kit.hufu_gate_free.argtypes, kit.hufu_gate_free.restype = [c_void_p], None
    kit.hufu_gate_scan.argtypes = [c_void_p, c_uint64, c_char_p, c_size_t, c_uint32]
    kit.hufu_gate_reference.argtypes = [c_void_p, c_uint64, c_uint32, c_uint32, c_uint32]
    kit.hufu_gate_datagram.argtypes = [c_void_p, c_uint64, c_char_p, c_size_t]
    kit.hufu_gate_enrolled.argtypes = [c_void_p, c_uint64, c_uint32, c_char_p, c_size_t]
    kit.hufu_gate_not_enrolled.argtypes = kit.hufu_gate_time.argtypes = [c_void_p, c_uint64]
    kit.hufu_gate_next.argtypes = [c_void_p, POINTER(Output)]
    kit.hufu_gate_deadline.argtypes, kit.hufu_gate_deadline.restype = [c_void_p], c_uint64
    kit.hufu_reason.argtypes = [c_uint32, c_char_p, c_size_t, c_char_p, c_size_t]
    if hasattr(kit, "hufu_offline_open"):  # built with the feature `offline`
        text = [c_char_p, c_size_t]
        kit.hufu_offline_open.argtypes = [POINTER(OfflineOptions), *text, *text, POINTER(c_int32)]
        kit.hufu_offline_open.restype = c_void_p
        kit.hufu_offline_free.argtypes, kit.hufu_offline_free.restype = [c_void_p], None
        kit.hufu_offline_told.argtypes = [c_void_p, c_uint64, c_uint64]
        kit.hufu_offline_enrolled.argtypes = kit.hufu_offline_answered.argtypes = [c_void_p, c_uint64, *text]
        kit.hufu_offline_errand.argtypes = [c_void_p, c_uint64, POINTER(Errand)]
        kit.hufu_offline_admitted.argtypes = [c_void_p, c_uint64, *text, c_uint32]
        kit.hufu_offline_check.argtypes = [c_void_p, c_uint64, *text, c_uint32, POINTER(OfflineVerdict)]
        kit.hufu_offline_turned_red.argtypes = [c_void_p, POINTER(TurnedRed)]
        kit.hufu_offline_says.argtypes = kit.hufu_offline_refused.argtypes = [c_void_p, *text]
        for call in ("failed", "hurry", "ready", "save"):
            getattr(kit, f"hufu_offline_{call}").argtypes = [c_void_p]
    return kit


def reason(kit: ctypes.CDLL, number: int) -> str:
    name, says = ctypes.create_string_buffer(48), ctypes.create_string_buffer(128)
    kit.hufu_reason(number, name, 48, says, 128)
    return f"{name.value.decode()}: {says.value.decode()}"


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Gate:
    """One engine at one address; `enrol` gives the bytes of an `Enrolled`, or raises."""

    def __init__(self, kit: ctypes.CDLL, address: str, enrol):
        self.kit, self.address, self.enrol = kit, address, enrol
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        first, error = enrol(), c_int32()
        self.gate = kit.hufu_gate_new(byref(Options(engines=1)), now_ms(), 0, first, len(first), byref(error))
        if not self.gate:
            raise ValueError(f"no gate: {error.value}")

    def close(self):
        self.kit.hufu_gate_free(self.gate)
        self.udp.close()

    def check(self, scan: bytes, lane: int = 0) -> Output:
        self._ok(self.kit.hufu_gate_scan(self.gate, now_ms(), scan, len(scan), lane))
        return self._outcome()

    def check_reference(self, issuer: int, index: int, lane: int = 0) -> Output:
        """An entry of a status list, out of a credential that this program has verified. Never one that was scanned."""
        self._ok(self.kit.hufu_gate_reference(self.gate, now_ms(), issuer, index, lane))
        return self._outcome()

    def _outcome(self) -> Output:
        while (outcome := self._act()) is None:
            wait_ms = max(0, self.kit.hufu_gate_deadline(self.gate) - now_ms())
            self.udp.settimeout(max(wait_ms, 1) / 1_000)
            try:
                datagram = self.udp.recv(DATAGRAM_BYTES_MAX + 1)
                self._ok(self.kit.hufu_gate_datagram(self.gate, now_ms(), datagram, len(datagram)))
            except OSError:  # nothing came, or the network said that something did not arrive
                self._ok(self.kit.hufu_gate_time(self.gate, now_ms()))
        return outcome

    def _act(self) -> Output | None:
        while True:
            output = Output()
            self._ok(self.kit.hufu_gate_next(self.gate, byref(output)))
            if output.what == SEND:
                with contextlib.suppress(OSError):  # what cannot be sent is lost, as any datagram may be
                    self.udp.sendto(bytes(output.bytes[: output.length]), (self.address, output.port))
            elif output.what == ENROL:
                try:
                    enrolled = self.enrol()
                    self._ok(self.kit.hufu_gate_enrolled(self.gate, now_ms(), 0, enrolled, len(enrolled)))
                except (OSError, ValueError, subprocess.CalledProcessError):
                    self._ok(self.kit.hufu_gate_not_enrolled(self.gate, now_ms()))
            else:
                return None if output.what == NOTHING else output

    @staticmethod
    def _ok(status: int):
        if status != 0:
            raise ValueError(f"libhufu-gate answers {status}")


def boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Offline:
    """What a gate decides on its own (docs/GATES.md, "Without a network")."""

    def __init__(self, kit: ctypes.CDLL, folder: str, operator_key: bytes, device: int, site: int):
        self.kit, error, name = kit, c_int32(), os.fsencode(folder)
        options = OfflineOptions(device=device, site=site)
        self.gate = kit.hufu_offline_open(
            byref(options), name, len(name), operator_key, len(operator_key), byref(error)
        )
        if not self.gate:
            raise ValueError(f"no gate without a network: {error.value} {self._says()}")

    def close(self):
        self._ok(self.kit.hufu_offline_save(self.gate))
        self.kit.hufu_offline_free(self.gate)

    def told(self, server_time_ms: int):
        self._ok(self.kit.hufu_offline_told(self.gate, boot_ms(), server_time_ms))

    def enrolled(self, enrolled: bytes):
        self._ok(self.kit.hufu_offline_enrolled(self.gate, boot_ms(), enrolled, len(enrolled)))

    def hurry(self):
        self._ok(self.kit.hufu_offline_hurry(self.gate))

    def refused(self, body: bytes):
        self._ok(self.kit.hufu_offline_refused(self.gate, body, len(body)))

    def lacks(self) -> str | None:
        return None if self.kit.hufu_offline_ready(self.gate) == 0 else self._says()

    def tend(self, ask, refused: type[OSError]):
        """Does what is to be done at an engine now. `ask(method, path, body)` gives the body of the answer, or raises:
        `refused` with the `body` when an engine refuses, `OSError` when none answers."""
        errand = Errand()
        while True:
            self._ok(self.kit.hufu_offline_errand(self.gate, boot_ms(), byref(errand)))
            if errand.what == NOTHING:
                return
            method = "GET" if errand.what == GET else "POST"
            try:
                body = ask(method, errand.path.decode(), bytes(errand.bytes[: errand.length]))
            except refused as why:
                self.refused(why.body)
                continue
            except OSError:
                self._ok(self.kit.hufu_offline_failed(self.gate))
                raise
            if self.kit.hufu_offline_answered(self.gate, boot_ms(), body, len(body)) != 0:
                print(self._says(), file=sys.stderr)

    def turned_red(self):
        red = TurnedRed()
        while self.kit.hufu_offline_turned_red(self.gate, byref(red)) == 0 and red.record:
            yield red.record, red.issuer

    def check(self, scan: bytes, lane: int = 0) -> OfflineVerdict:
        verdict = OfflineVerdict()
        self._ok(self.kit.hufu_offline_check(self.gate, boot_ms(), scan, len(scan), lane, byref(verdict)))
        return verdict

    def _says(self) -> str:
        says = ctypes.create_string_buffer(256)
        self.kit.hufu_offline_says(self.gate, says, 256)
        return says.value.decode(errors="replace")

    def _ok(self, status: int):
        if status != 0:
            raise ValueError(f"libhufu-gate answers {status}: {self._says()}")


if __name__ == "__main__":
    kit = load(os.environ.get("HUFU_GATE_LIBRARY", "libhufu_gate.so"))
    gate = Gate(kit, sys.argv[1], lambda: subprocess.run(sys.argv[2], shell=True, check=True, stdout=subprocess.PIPE).stdout)
    for line in sys.stdin.buffer:
        outcome = gate.check(line.rstrip(b"\r\n"))
        if outcome.what == NO_VERDICT:
            print("shut  no verdict:", "no engine answers" if outcome.fault == NO_ANSWER else "no session")
            continue
        decision = DECISIONS[outcome.verdict.decision]
        print(f"{decision}  {reason(kit, outcome.verdict.reason)}", flush=True)
    gate.close()

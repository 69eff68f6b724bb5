/* libhufu-gate: a gate without sockets, threads or a clock (docs/GATES.md). Made from engine/checks/gatekit/src. */

#ifndef HUFU_GATE_H
#define HUFU_GATE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 It was done.
 */
#define HUFU_OK 0

/*
 A pointer is null, a length or a number is out of range.
 */
#define HUFU_BAD_ARGUMENT -1

/*
 The bytes are no answer to an enrolment.
 */
#define HUFU_BAD_ENROLLED -2

/*
 A fault in the library. The gate must be freed and made again.
 */
#define HUFU_INTERNAL -3

/*
 Nothing is to be done until something happens.
 */
#define HUFU_NOTHING 0

/*
 Send `bytes` in one UDP datagram to port `port` of engine `engine`. It may be lost.
 */
#define HUFU_SEND 1

/*
 Enrol, at engine `engine` first, and say how that ended.
 */
#define HUFU_ENROL 2

/*
 The scan has a verdict.
 */
#define HUFU_VERDICT 3

/*
 The scan has none; `fault` says why. The gate stays shut.
 */
#define HUFU_NO_VERDICT 4

/*
 No engine answered in time.
 */
#define HUFU_NO_ANSWER 1

/*
 The session is over and no engine gives a new one.
 */
#define HUFU_NO_SESSION 2

/*
 The session has used every number.
 */
#define HUFU_NO_NUMBER 3

/*
 `decision`: the gate may open.
 */
#define HUFU_ADMIT 1

/*
 `decision`: a person must look.
 */
#define HUFU_REFER 2

/*
 `decision`: the gate stays shut.
 */
#define HUFU_REFUSE 3

/*
 `colour` and `kind` where there is none, and `age_ms` where it is not known.
 */
#define HUFU_UNKNOWN UINT32_MAX

/*
 The most engines that a gate can ask.
 */
#define HUFU_ENGINES_MAX 64

/*
 Bytes of the longest datagram that a gate gets; room for one more tells a longer one.
 */
#define HUFU_DATAGRAM_BYTES_MAX 128

/*
 A gate with a session. One thread at a time may use it.
 */
struct hufu_gate;

/*
 How a gate asks. Set everything to 0 for the usual, and `engines`.
 */
struct hufu_options {
  /*
   How many engines there are; they are numbered from 0, and the caller knows their addresses.
   */
  uint32_t engines;
  /*
   From a scan to its outcome, milliseconds; 0 for 400.
   */
  uint32_t budget_ms;
  /*
   Before the same request is sent again, milliseconds; 0 for 50.
   */
  uint32_t retry_after_ms;
  /*
   How often one engine is asked before the next one is; 0 for 3.
   */
  uint32_t tries_per_engine;
};

/*
 What an engine says about a code.
 */
struct hufu_verdict {
  /*
   The engine's clock, milliseconds since 1970.
   */
  uint64_t server_time_ms;
  /*
   The change set that the status is as of.
   */
  uint64_t as_of;
  /*
   How old the status may be, milliseconds.
   */
  uint32_t age_ms;
  /*
   How far the holder's clock is ahead of the engine's, seconds.
   */
  int32_t clock_offset_s;
  /*
   `HUFU_ADMIT`, `HUFU_REFER` or `HUFU_REFUSE`.
   */
  uint32_t decision;
  /*
   Why: a number of PROTOCOL, "Reasons".
   */
  uint32_t reason;
  /*
   0 green, 1 red, 2 amber.
   */
  uint32_t colour;
  /*
   1 phone, 2 paper, 3 trip.
   */
  uint32_t kind;
};

/*
 What is to be done. Pointers in it are good until the next call with the same gate.
 */
struct hufu_output {
  /*
   `HUFU_NOTHING` to `HUFU_NO_VERDICT`.
   */
  uint32_t what;
  /*
   An engine's number.
   */
  uint32_t engine;
  /*
   An engine's UDP port.
   */
  uint16_t port;
  /*
   Why there is no verdict.
   */
  uint32_t fault;
  /*
   A datagram.
   */
  const uint8_t *bytes;
  /*
   Its length.
   */
  size_t length;
  /*
   A verdict.
   */
  struct hufu_verdict verdict;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 A gate with the session that engine `engine` gave it: the payload of its `Enrolled` (PROTOCOL, "Enrolment"). `now_ms` is
 a clock that never goes back, from any start, here and everywhere. Null when `options` or the bytes are not good; then
 `error`, unless it is null, says which.

 # Safety
 `options` and `error` point to one of their kind or are null; `enrolled` points to `length` bytes.
 */
struct hufu_gate *hufu_gate_new(const struct hufu_options *options,
                                uint64_t now_ms,
                                uint32_t engine,
                                const uint8_t *enrolled,
                                size_t length,
                                int32_t *error);

/*
 Ends a gate. Null is nothing to end.

 # Safety
 `gate` is null, or came from `hufu_gate_new` and was not freed.
 */
void hufu_gate_free(struct hufu_gate *gate);

/*
 Something was scanned in a lane (0 where a device has one). A scan before it that has no outcome yet is given up.

 # Safety
 `gate` is a gate or null, and `scan` points to `length` bytes.
 */
int32_t hufu_gate_scan(struct hufu_gate *gate, uint64_t now_ms, const uint8_t *scan, size_t length, uint32_t lane);

/*
 A datagram came. Anyone can send one: what is not genuine changes nothing.

 # Safety
 `gate` is a gate or null, and `datagram` points to `length` bytes.
 */
int32_t hufu_gate_datagram(struct hufu_gate *gate, uint64_t now_ms, const uint8_t *datagram, size_t length);

/*
 The enrolment that was asked for gave a session, at engine `engine`.

 # Safety
 `gate` is a gate or null, and `enrolled` points to `length` bytes.
 */
int32_t hufu_gate_enrolled(struct hufu_gate *gate,
                           uint64_t now_ms,
                           uint32_t engine,
                           const uint8_t *enrolled,
                           size_t length);

/*
 The enrolment that was asked for gave none.

 # Safety
 `gate` is a gate or null.
 */
int32_t hufu_gate_not_enrolled(struct hufu_gate *gate, uint64_t now_ms);

/*
 Time passed.

 # Safety
 `gate` is a gate or null.
 */
int32_t hufu_gate_time(struct hufu_gate *gate, uint64_t now_ms);

/*
 The next thing to do. Call it after every other call until it says `HUFU_NOTHING`.

 # Safety
 `gate` is a gate or null, and `output` points to room for an output or is null.
 */
int32_t hufu_gate_next(struct hufu_gate *gate, struct hufu_output *output);

/*
 When `hufu_gate_time` is to be called at the latest, by the caller's clock; `UINT64_MAX` while nothing was scanned.

 # Safety
 `gate` is a gate or null.
 */
uint64_t hufu_gate_deadline(const struct hufu_gate *gate);

/*
 Writes the name of a reason, such as `clear`, to `name`, and the sentence for a display to `says`, each with a 0 behind it
 and cut to its room. Either may be null with no room. `HUFU_BAD_ARGUMENT` for a number that is no reason.

 # Safety
 `name` and `says` point to room for so many bytes, or are null.
 */
int32_t hufu_reason(uint32_t reason,
                    char *name,
                    size_t name_room,
                    char *says,
                    size_t says_room);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HUFU_GATE_H */

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

#if defined(HUFU_GATE_OFFLINE)
/*
 The engine's answer was not taken; `hufu_offline_says` says why. What was known before stays known.
 */
#define HUFU_NOT_TAKEN -4
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 The gate's folder cannot be used; `hufu_offline_says` says why, with a null gate where none was opened.
 */
#define HUFU_NO_FOLDER -5
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 The gate cannot decide without a network yet; `hufu_offline_says` says what it lacks.
 */
#define HUFU_NOT_READY -6
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Ask an engine for `path` with GET.
 */
#define HUFU_GET 5
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Send `bytes` to `path` of an engine with POST.
 */
#define HUFU_POST 6
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 No engine has told the time since the machine started.
 */
#define HUFU_NO_TIME 4
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine told the time so long ago that it may be off by `uncertain_ms`.
 */
#define HUFU_TIME_UNCERTAIN 5
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 The gate has not been given all that decides.
 */
#define HUFU_LACKS 6
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 The record of the check cannot be kept.
 */
#define HUFU_NO_RECORD 7
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Bytes of an operator's public key of Ed25519.
 */
#define HUFU_KEY_BYTES 32
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Bytes of an operator's public key of SM2.
 */
#define HUFU_SM2_KEY_BYTES 65
#endif

/*
 A gate with a session. One thread at a time may use it.
 */
struct hufu_gate;

#if defined(HUFU_GATE_OFFLINE)
/*
 A gate that can go on without a network. One thread at a time may use it.
 */
struct hufu_offline;
#endif

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
   1 phone, 2 paper, 3 trip, 4 family, 5 a certificate of another system, 6 reference.
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

#if defined(HUFU_GATE_OFFLINE)
/*
 Which gate this is, and how much it may hold.
 */
struct hufu_offline_options {
  /*
   The device, as its certificate has it.
   */
  uint32_t device;
  /*
   The device's site, as its certificate has it.
   */
  uint32_t site;
  /*
   Holders of one issuer: 4 take a byte, and one in 16 may take 17 bytes more; 0 for 33,554,432.
   */
  uint32_t holders_max;
  /*
   How wrong the machine's clock may run, parts per million; 0 for 100.
   */
  uint32_t drift_ppm;
};
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 What is to be done at an engine, over HTTPS with the device's certificate. Pointers in it are good until the next call
 with the same gate.
 */
struct hufu_errand {
  /*
   `HUFU_NOTHING`, `HUFU_GET` or `HUFU_POST`.
   */
  uint32_t what;
  /*
   Path and query, with a 0 behind them.
   */
  const char *path;
  /*
   What to send.
   */
  const uint8_t *bytes;
  /*
   Its length.
   */
  size_t length;
};
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 What a gate decided on its own.
 */
struct hufu_offline_verdict {
  /*
   `HUFU_VERDICT` or `HUFU_NO_VERDICT`, and the gate stays shut.
   */
  uint32_t what;
  /*
   Why there is no verdict: `HUFU_NO_TIME` to `HUFU_NO_RECORD`.
   */
  uint32_t fault;
  /*
   When an engine told the time last, milliseconds since 1970: since when the gate has been alone.
   */
  uint64_t since_ms;
  /*
   How far the gate's time may be off, milliseconds.
   */
  uint64_t uncertain_ms;
  /*
   The verdict. Its `server_time_ms` is the gate's own time. Show `as_of` and `age_ms`.
   */
  struct hufu_verdict verdict;
};
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 A holder that the gate admitted on its own and that has turned red since.
 */
struct hufu_turned_red {
  /*
   The number of the holder's last record; 0 when there is no such holder any more.
   */
  uint64_t record;
  /*
   The change set that says so.
   */
  uint64_t sequence;
  /*
   Whose holder it is.
   */
  uint32_t issuer;
};
#endif

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 A gate with the session that engine `engine` gave it: the payload of its `Enrolled` (PROTOCOL, "Enrolment"). `now_ms` is
 a clock that never goes back, from any start, here and everywhere. Null when `options` or the bytes are not good; then
 `error`, unless it is null, says which.

 Hand in each `Enrolled` once, and keep none: a gate that starts again enrols again. In one session the numbers of checks
 begin at 1, and each is a nonce: a number that is used twice gives the session's secrets away.

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
 The device has verified a credential of another system that names entry `index` of the status list of `issuer`
 (STATUS-LISTS, "A device that read the credential"). Never call it for what was scanned: anyone can print that. A check
 before it that has no outcome yet is given up.

 # Safety
 `gate` is a gate or null.
 */
int32_t hufu_gate_reference(struct hufu_gate *gate, uint64_t now_ms, uint32_t issuer, uint32_t index, uint32_t lane);

/*
 A datagram came. Anyone can send one: what is not genuine changes nothing.

 # Safety
 `gate` is a gate or null, and `datagram` points to `length` bytes.
 */
int32_t hufu_gate_datagram(struct hufu_gate *gate, uint64_t now_ms, const uint8_t *datagram, size_t length);

/*
 The enrolment that was asked for gave a session, at engine `engine`. `HUFU_BAD_ENROLLED` when the bytes are none, or are
 those of the session that the gate has: call `hufu_gate_not_enrolled` then.

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

/*
 Writes to `says` what a reason says in a language, such as `zh`, in UTF-8 with a 0 behind it and cut to its room: with `line` 0
 one sentence, with 1 and 2 the lines of a display of 20 cells, of which the second may be empty.
 `HUFU_BAD_ARGUMENT` for a number that is no reason, a language that is not built in (only `en` is without the feature
 `languages`), or another line.

 # Safety
 `language` is a text with a 0 behind it, or null. `says` points to room for so many bytes, or is null.
 */
int32_t hufu_says(uint32_t reason,
                  const char *language,
                  uint32_t line,
                  char *says,
                  size_t room);

#if defined(HUFU_GATE_OFFLINE)
/*
 A gate with what lies in its folder, which no other program may use and which is made where it is not there. `operator_key`
 are the bytes of `public` in the operator's `operator.pub`, 32 of Ed25519 or 65 of SM2. Null when something is not good; then `error`, unless it is
 null, says which: `HUFU_BAD_ARGUMENT` or `HUFU_NO_FOLDER`. `hufu_offline_says` says what is wrong with the folder.

 # Safety
 `options` and `error` point to one of their kind or are null; `folder` and `operator_key` point to so many bytes.
 */
struct hufu_offline *hufu_offline_open(const struct hufu_offline_options *options,
                                       const uint8_t *folder,
                                       size_t folder_length,
                                       const uint8_t *operator_key,
                                       size_t operator_key_length,
                                       int32_t *error);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Ends a gate, and writes nothing: see `hufu_offline_save`. Null is nothing to end.

 # Safety
 `offline` is null, or came from `hufu_offline_open` and was not freed.
 */
void hufu_offline_free(struct hufu_offline *offline);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine has told the time, in a verdict or in another answer that was authenticated. Leave out the time of an answer
 that was longer than a second on its way: by how much it is late cannot be told. `boot_ms` is how long the machine
 has run, also while it slept (on Linux `CLOCK_BOOTTIME`), here and everywhere: it outlives this program.

 # Safety
 `offline` is a gate or null.
 */
int32_t hufu_offline_told(struct hufu_offline *offline, uint64_t boot_ms, uint64_t server_time_ms);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine has enrolled this gate: the answer tells the time, too, so leave out one that was longer than a second on its
 way. `HUFU_BAD_ENROLLED` when it is none, or another device's.

 # Safety
 `offline` is a gate or null, and `enrolled` points to `length` bytes.
 */
int32_t hufu_offline_enrolled(struct hufu_offline *offline, uint64_t boot_ms, const uint8_t *enrolled, size_t length);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 What is to be done at an engine next; `HUFU_NOTHING` for now. It stays the same until it was done, was refused or has
 failed. Ask once a second, and again after each answer.

 # Safety
 `offline` is a gate or null, and `errand` points to room for one or is null.
 */
int32_t hufu_offline_errand(struct hufu_offline *offline, uint64_t boot_ms, struct hufu_errand *errand);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine did what was to be done, with status 200 and this body.

 # Safety
 `offline` is a gate or null, and `body` points to `length` bytes.
 */
int32_t hufu_offline_answered(struct hufu_offline *offline, uint64_t boot_ms, const uint8_t *body, size_t length);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine answered with another status and this body, also when it was asked to enrol: it is tried again in 10 seconds,
 and the rest goes on. A gate that may not go on without a network any more forgets everything but its records.

 # Safety
 `offline` is a gate or null, and `body` points to `length` bytes.
 */
int32_t hufu_offline_refused(struct hufu_offline *offline, const uint8_t *body, size_t length);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 No engine answered: all that was to be done is tried again in 10 seconds.

 # Safety
 `offline` is a gate or null.
 */
int32_t hufu_offline_failed(struct hufu_offline *offline);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine answers after a time without one: do not wait for the 10 seconds.

 # Safety
 `offline` is a gate or null.
 */
int32_t hufu_offline_hurry(struct hufu_offline *offline);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 An engine admitted this code in this lane: it is used here too, should the network go now.

 # Safety
 `offline` is a gate or null, and `scan` points to `length` bytes.
 */
int32_t hufu_offline_admitted(struct hufu_offline *offline,
                              uint64_t boot_ms,
                              const uint8_t *scan,
                              size_t length,
                              uint32_t lane);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Decides what was scanned in a lane, without an engine. Its record is in the folder before this returns.

 # Safety
 `offline` is a gate or null, `scan` points to `length` bytes, and `verdict` to room for one or is null.
 */
int32_t hufu_offline_check(struct hufu_offline *offline,
                           uint64_t boot_ms,
                           const uint8_t *scan,
                           size_t length,
                           uint32_t lane,
                           struct hufu_offline_verdict *verdict);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 `HUFU_OK` when the gate has what it needs to decide without a network, apart from the time; else `HUFU_NOT_READY`.

 # Safety
 `offline` is a gate or null.
 */
int32_t hufu_offline_ready(struct hufu_offline *offline);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 The next holder that the gate admitted on its own and that has turned red since; `record` is 0 when there is none. Ask
 after each answer, and tell the operator.

 # Safety
 `offline` is a gate or null, and `turned_red` points to room for one or is null.
 */
int32_t hufu_offline_turned_red(struct hufu_offline *offline, struct hufu_turned_red *turned_red);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Writes to the folder what a restart of this program would lose: up to ten minutes of changes. Call it before an end.

 # Safety
 `offline` is a gate or null.
 */
int32_t hufu_offline_save(struct hufu_offline *offline);
#endif

#if defined(HUFU_GATE_OFFLINE)
/*
 Writes what went wrong last, for the operator, to `text`, with a 0 behind it and cut to its room. Without a gate it is why
 the folder of the last `hufu_offline_open` in this thread cannot be used; `HUFU_BAD_ARGUMENT` where it can.

 # Safety
 `offline` is a gate or null, and `text` points to room for so many bytes or is null.
 */
int32_t hufu_offline_says(const struct hufu_offline *offline,
                          char *text,
                          size_t room);
#endif

#if (defined(HUFU_GATE_OFFLINE) && defined(HUFU_GATE_FOREIGN))
/*
 From now on EU Digital COVID Certificates are verified by these lists, which the operator signed with `hufu foreign`: that
 of signers, and that of revocations, which may be empty. Give them again at each start and when they change.
 `HUFU_NOT_TAKEN` when they are not the operator's, are cut, or are older than lists that this gate has had; those in use
 stay. Needs about 40 KiB of stack.

 # Safety
 `offline` is a gate or null; `signers` and `revocations` point to so many bytes.
 */
int32_t hufu_offline_foreign(struct hufu_offline *offline,
                             const uint8_t *signers,
                             size_t signers_length,
                             const uint8_t *revocations,
                             size_t revocations_length);
#endif

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HUFU_GATE_H */

/* A gate in C that decides without a network: reads scans from standard input, a line each, and prints the verdict of the
 * gate's own. A gate with a session does so where hufu_gate_next says HUFU_NO_VERDICT (gate.c). Before each scan it does
 * what is to be done at an engine: everything that decides is fetched while one answers, and records are handed over.
 *
 *     offline FOLDER OPERATOR_KEY DEVICE SITE ASK < scans
 *
 * OPERATOR_KEY are the hexadecimal digits of `public` in operator.pub. ASK is a command that asks an engine over HTTPS,
 * such as `enrol.py gates/7 engine.example 7413`. It is given GET or POST, a path, and on standard input what to post;
 * it writes the body of the answer, and ends with 0 for status 200, 3 for another, and 1 when no engine answered.
 *
 * Compile it with -DHUFU_GATE_OFFLINE. With -DHUFU_GATE_FOREIGN too it verifies certificates of other systems by the
 * operator's lists, whose files HUFU_SIGNERS and HUFU_REVOCATIONS name in its environment. The library does the thinking; this file has a clock and a command.
 */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "hufu_gate.h"

#define BODY_BYTES_MAX (640 * 1024)
/* Longest that an answer with the time may be on its way, milliseconds. */
#ifndef ASK_MS_MAX
#define ASK_MS_MAX 1000
#endif

/* How long the machine has run, also while it slept. */
static uint64_t boot_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct answer {
    int status;
    size_t length;
    uint8_t body[BODY_BYTES_MAX + 1];
};

/* Runs the command that asks an engine. What is posted goes through a file. */
static void ask(const char *command, const char *method, const char *path, const uint8_t *bytes, size_t length,
                struct answer *answer) {
    char posted[] = "/tmp/hufu-offline-XXXXXX", line[2048];
    answer->status = 1;
    answer->length = 0;
    int file = mkstemp(posted);
    FILE *post = file < 0 ? NULL : fdopen(file, "wb");
    if (post == NULL) {
        return;
    }
    int whole = length == 0 || fwrite(bytes, 1, length, post) == length;
    if (fclose(post) == 0 && whole
        && snprintf(line, sizeof line, "%s %s '%s' < %s", command, method, path, posted) < (int)sizeof line) {
        FILE *told = popen(line, "r");
        if (told != NULL) {
            answer->length = fread(answer->body, 1, sizeof answer->body, told);
            int ended = pclose(told);
            answer->status = WIFEXITED(ended) && answer->length <= BODY_BYTES_MAX ? WEXITSTATUS(ended) : 1;
        }
    }
    remove(posted);
}

static void complain(const struct hufu_offline *gate) {
    char says[256];
    if (hufu_offline_says(gate, says, sizeof says) == HUFU_OK) {
        fprintf(stderr, "%s\n", says);
    }
}

/* Holders who were admitted here and have turned red since: a person decides what follows. */
static void tell_of_red(struct hufu_offline *gate) {
    struct hufu_turned_red red;
    while (hufu_offline_turned_red(gate, &red) == HUFU_OK && red.record != 0) {
        printf("turned red: issuer %u, record %llu\n", (unsigned)red.issuer, (unsigned long long)red.record);
    }
}

/* Whether an engine answered at all. */
static int refused_or_failed(struct hufu_offline *gate, const struct answer *answer) {
    if (answer->status == 3) {
        hufu_offline_refused(gate, answer->body, answer->length);
        return 1;
    }
    hufu_offline_failed(gate);
    return 0;
}

/* Does everything that is to be done at an engine now. */
static void tend(struct hufu_offline *gate, const char *command, struct answer *answer) {
    static int is_told = 0;
    struct hufu_errand errand;
    if (!is_told) {
        /* A gate with a session has the time of each verdict: hufu_offline_told. */
        uint64_t asked = boot_ms();
        ask(command, "POST", "/v1/enrol", NULL, 0, answer);
        if (answer->status == 0 && boot_ms() - asked > ASK_MS_MAX) {
            /* By how much its time is late cannot be told: ask again before the next scan. */
            fprintf(stderr, "the engine took too long to tell the time\n");
            return;
        }
        is_told = answer->status == 0
                  && hufu_offline_enrolled(gate, boot_ms(), answer->body, answer->length) == HUFU_OK;
        if (!is_told) {
            refused_or_failed(gate, answer);
            return;
        }
        hufu_offline_hurry(gate);
    }
    while (hufu_offline_errand(gate, boot_ms(), &errand) == HUFU_OK && errand.what != HUFU_NOTHING) {
        ask(command, errand.what == HUFU_POST ? "POST" : "GET", errand.path, errand.bytes, errand.length, answer);
        if (answer->status == 0) {
            if (hufu_offline_answered(gate, boot_ms(), answer->body, answer->length) != HUFU_OK) {
                complain(gate);
            }
        } else if (!refused_or_failed(gate, answer)) {
            is_told = 0;
            break;
        }
        tell_of_red(gate);
    }
}

static int check(struct hufu_offline *gate, const char *scan, size_t length) {
    static const char *const decisions[] = {"?", "open", "a person must look", "shut"};
    struct hufu_offline_verdict own;
    char name[48], says[128];
    if (hufu_offline_check(gate, boot_ms(), (const uint8_t *)scan, length, 0, &own) != HUFU_OK) {
        return -1;
    }
    if (own.what != HUFU_VERDICT) {
        printf("shut  no verdict: fault %u\n", (unsigned)own.fault);
        complain(gate);
    } else {
        const struct hufu_verdict *verdict = &own.verdict;
        hufu_reason(verdict->reason, name, sizeof name, says, sizeof says);
        printf("%s  %s: %s", decisions[verdict->decision <= HUFU_REFUSE ? verdict->decision : 0], name, says);
        if (verdict->age_ms != HUFU_UNKNOWN) {
            printf(" (without a network; as of change set %llu, %u s old)", (unsigned long long)verdict->as_of,
                   (unsigned)(verdict->age_ms / 1000));
        }
        printf("\n");
    }
    fflush(stdout);
    return 0;
}

static size_t digits(const char *text, uint8_t *bytes, size_t room) {
    size_t length = 0;
    unsigned byte;
    while (length < room && sscanf(text + 2 * length, "%2x", &byte) == 1) {
        bytes[length++] = (uint8_t)byte;
    }
    return length;
}

#ifdef HUFU_GATE_FOREIGN
/* A file that the environment names, for the caller to free; nothing where there is none. */
static uint8_t *named(const char *variable, size_t *length) {
    const char *path = getenv(variable);
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    uint8_t *bytes = NULL;
    *length = 0;
    if (file == NULL) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        bytes = size > 0 && fseek(file, 0, SEEK_SET) == 0 ? malloc((size_t)size) : NULL;
        *length = bytes == NULL ? 0 : fread(bytes, 1, (size_t)size, file);
    }
    fclose(file);
    return bytes;
}

static void read_lists(struct hufu_offline *gate) {
    size_t signers_length, revocations_length;
    uint8_t *signers = named("HUFU_SIGNERS", &signers_length);
    uint8_t *revocations = named("HUFU_REVOCATIONS", &revocations_length);
    if (signers != NULL
        && hufu_offline_foreign(gate, signers, signers_length, revocations, revocations_length) != HUFU_OK) {
        complain(gate);
    }
    free(signers);
    free(revocations);
}
#endif

int main(int count, char **arguments) {
    static struct answer answer;
    if (count != 6) {
        fprintf(stderr, "usage: %s FOLDER OPERATOR_KEY DEVICE SITE ASK < scans\n", arguments[0]);
        return 2;
    }
    struct hufu_offline_options options = {.device = (uint32_t)strtoul(arguments[3], NULL, 10),
                                           .site = (uint32_t)strtoul(arguments[4], NULL, 10)};
    uint8_t key[HUFU_SM2_KEY_BYTES]; /* the longest there is */
    int32_t error = HUFU_OK;
    struct hufu_offline *gate = hufu_offline_open(&options, (const uint8_t *)arguments[1], strlen(arguments[1]), key,
                                                  digits(arguments[2], key, sizeof key), &error);
    if (gate == NULL) {
        fprintf(stderr, "no gate: %d\n", (int)error);
        complain(NULL);
        return 2;
    }
    /* A certificate of another system has up to 1,068 bytes. */
    char line[2048];
    int done = 0;
#ifdef HUFU_GATE_FOREIGN
    read_lists(gate);
#endif
    while (done == 0 && fgets(line, sizeof line, stdin) != NULL) {
        tend(gate, arguments[5], &answer);
        done = check(gate, line, strcspn(line, "\r\n"));
    }
    if (hufu_offline_save(gate) != HUFU_OK) {
        complain(gate);
    }
    hufu_offline_free(gate);
    return done == 0 ? 0 : 1;
}

/* A gate in C: reads scans from standard input, a line each, asks an engine over UDP, and prints the verdict. A relay
 * would be where "open" is printed. One engine's address and UDP port are its arguments, and a command that enrols and
 * writes the bytes of the answer, such as `hufu enrol --gate gates/7`:
 *
 *     gate 192.0.2.1 'hufu enrol --gate gates/7' < scans
 *
 * The library does the thinking; this file has a socket, a clock and a command.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hufu_gate.h"

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Runs the command that enrols; the bytes it wrote, 0 when it failed. */
static size_t enrol(const char *command, uint8_t *bytes, size_t room) {
    FILE *answer = popen(command, "r");
    if (answer == NULL) {
        return 0;
    }
    size_t length = fread(bytes, 1, room, answer);
    return pclose(answer) == 0 ? length : 0;
}

static void show(const struct hufu_verdict *verdict) {
    static const char *const decisions[] = {"?", "open", "a person must look", "shut"};
    char name[48], says[128];
    if (hufu_reason(verdict->reason, name, sizeof name, says, sizeof says) != HUFU_OK) {
        snprintf(name, sizeof name, "reason %u", (unsigned)verdict->reason);
        says[0] = 0;
    }
    unsigned decision = verdict->decision <= HUFU_REFUSE ? verdict->decision : 0;
    printf("%s  %s: %s\n", decisions[decision], name, says);
    fflush(stdout);
}

struct door {
    struct hufu_gate *gate;
    int udp;
    struct sockaddr_in engine;
    const char *command;
};

/* Does everything the gate wants done. 1 when the scan has an outcome, -1 when the library failed. */
static int act(struct door *door) {
    struct hufu_output output;
    uint8_t bytes[512];
    for (;;) {
        if (hufu_gate_next(door->gate, &output) != HUFU_OK) {
            return -1;
        }
        switch (output.what) {
        case HUFU_NOTHING:
            return 0;
        case HUFU_SEND:
            door->engine.sin_port = htons(output.port);
            /* What cannot be sent is lost, as any datagram may be. */
            (void)!sendto(door->udp, output.bytes, output.length, 0, (struct sockaddr *)&door->engine,
                          sizeof door->engine);
            break;
        case HUFU_ENROL: {
            size_t length = enrol(door->command, bytes, sizeof bytes);
            if (length == 0 || hufu_gate_enrolled(door->gate, now_ms(), 0, bytes, length) != HUFU_OK) {
                hufu_gate_not_enrolled(door->gate, now_ms());
            }
            break;
        }
        case HUFU_VERDICT:
            show(&output.verdict);
            return 1;
        case HUFU_NO_VERDICT:
            printf("shut  no verdict: %s\n", output.fault == HUFU_NO_ANSWER ? "no engine answers" : "no session");
            fflush(stdout);
            return 1;
        default:
            return -1;
        }
    }
}

/* One scan, to its outcome. */
static int check(struct door *door, const char *scan, size_t length) {
    if (hufu_gate_scan(door->gate, now_ms(), (const uint8_t *)scan, length, 0) != HUFU_OK) {
        return -1;
    }
    for (;;) {
        int done = act(door);
        if (done != 0) {
            return done;
        }
        uint64_t now = now_ms(), until = hufu_gate_deadline(door->gate);
        struct pollfd ready = {.fd = door->udp, .events = POLLIN};
        int wait = until <= now ? 0 : (int)(until - now);
        if (poll(&ready, 1, wait) > 0) {
            uint8_t datagram[HUFU_DATAGRAM_BYTES_MAX + 1];
            ssize_t length_read = recv(door->udp, datagram, sizeof datagram, 0);
            if (length_read >= 0) {
                hufu_gate_datagram(door->gate, now_ms(), datagram, (size_t)length_read);
            }
        } else {
            hufu_gate_time(door->gate, now_ms());
        }
    }
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: %s ENGINE_ADDRESS ENROL_COMMAND < scans\n", arguments[0]);
        return 2;
    }
    struct door door = {.udp = socket(AF_INET, SOCK_DGRAM, 0), .command = arguments[2]};
    door.engine.sin_family = AF_INET;
    uint8_t enrolled[512];
    size_t length = enrol(door.command, enrolled, sizeof enrolled);
    if (door.udp < 0 || inet_pton(AF_INET, arguments[1], &door.engine.sin_addr) != 1 || length == 0) {
        fprintf(stderr, "no socket, no IPv4 address, or no enrolment\n");
        return 2;
    }
    struct hufu_options options = {.engines = 1};
    int32_t error = HUFU_OK;
    door.gate = hufu_gate_new(&options, now_ms(), 0, enrolled, length, &error);
    if (door.gate == NULL) {
        fprintf(stderr, "no gate: %d\n", (int)error);
        return 2;
    }
    /* A certificate of another system has up to 1,068 bytes. */
    char line[2048];
    int done = 1;
    while (done > 0 && fgets(line, sizeof line, stdin) != NULL) {
        done = check(&door, line, strcspn(line, "\r\n"));
    }
    hufu_gate_free(door.gate);
    close(door.udp);
    return done > 0 ? 0 : 1;
}

/* The demonstration: what its files share. */
#ifndef CS_CMD_DEMO_H
#define CS_CMD_DEMO_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/addr.h"
#include "cmd/demo_pki.h"

/* A gateway, a backend and their certificates in a temporary folder. */
struct cs_demo {
    char folder[64];
    struct cs_demo_pki pki;
    struct cs_addr gateway, backend;
    pid_t gateway_pid, backend_pid; /* 0: not running */
    _Atomic unsigned *served;       /* connections that reached the backend; shared with it */
    bool colour;
};

/** cs_demo_story() - visit the gateway in seven ways and tell what was seen, on standard output.
 *  Return: how many of the seven went as they should. */
unsigned cs_demo_story(const struct cs_demo *demo);
#define CS_DEMO_STORIES 7u

/** cs_demo_say() - one line of the transcript behind a tick or a cross. */
void cs_demo_say(const struct cs_demo *demo, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** cs_demo_title() - a heading of the transcript. */
void cs_demo_title(const struct cs_demo *demo, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** cs_demo_note() - a line of the transcript in a quieter shade. */
void cs_demo_note(const struct cs_demo *demo, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif

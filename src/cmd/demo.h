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
    struct cs_addr authority, automatic;           /* of the second gateway and the CA beside it */
    pid_t gateway_pid, backend_pid, automatic_pid; /* 0: not running */
    _Atomic unsigned *served; /* connections that reached the backend; shared with it */
    bool colour;
};

/** cs_demo_story() - visit the gateway in seven ways and tell what was seen, on standard output.
 *  Return: how many of the seven went as they should. */
unsigned cs_demo_story(const struct cs_demo *demo);
#define CS_DEMO_STORIES 7u

/** cs_demo_ca_story() - make a CA, let a gateway and a client get their certificates from it,
 * revoke the client's while it is connected, and tell what was seen. Return: how many of the steps
 * went as they should. */
unsigned cs_demo_ca_story(struct cs_demo *demo);
#define CS_DEMO_CA_STEPS 6u

/** cs_demo_listen() - a socket on a port that the kernel chooses. Return: 0, or -errno. */
int cs_demo_listen(struct cs_addr *ret_addr, int *ret_fd);
/** cs_demo_gateway() - a gateway with the configuration NAME.conf of the folder, in a process of
 * its own, its error log beside it. Return: 0 once it serves, or -errno. */
int cs_demo_gateway(const struct cs_demo *demo, const char *name, pid_t *ret_pid);

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

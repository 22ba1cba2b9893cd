/* The command line of nginx, with its rules: letters in one word ("-tq"), a value in the same
 * word or in the next ("-cFILE", "-c FILE"), no long options, no operands. */
#ifndef CS_CMD_NGINX_ARGS_H
#define CS_CMD_NGINX_ARGS_H

#include <stdbool.h>

#include "base/buf.h"

struct cs_nginx_args {
    bool help;      /* -h -? */
    bool version;   /* -v, and with -V and -h */
    bool configure; /* -V */
    bool test;      /* -t -T */
    bool dump;      /* -T */
    bool quiet;     /* -q */
    const char *prefix;
    const char *config;
    const char *globals;
    const char *error_log;
    const char *signal; /* "stop", "quit", "reopen" or "reload" */
};

/** cs_nginx_args_parse() - read @argv, which is borrowed.
 *  Return: 0, or -EINVAL with nginx's words for the mistake appended to @error. */
int cs_nginx_args_parse(int argc, char *const *argv, struct cs_nginx_args *ret_args,
                        struct cs_buf *error);

#endif

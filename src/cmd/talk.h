/* A command's conversation with the running service, over its control socket (daemon/control.h). */
#ifndef CS_CMD_TALK_H
#define CS_CMD_TALK_H

#include "cmd/instance.h"

struct json_t; /* of jansson */

/** cs_talk() - ask the service of @instance and wait for its answer; a reference to @request is
 *  taken over. What goes wrong is told as cs_report_failure() does, for the command of @line.
 *  Return: CS_EXIT_OK and one reference in *ret_answer; CS_EXIT_FAILED: it was asked, and could not
 *  do it; CS_EXIT_USAGE: it could not be asked. */
int cs_talk(const struct cs_line *line, struct cs_instance *instance, struct json_t *request,
            struct json_t **ret_answer);

#endif

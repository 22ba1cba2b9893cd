/* `countersign doctor FILE`: a capture instead of a server. */
#ifndef CS_CMD_CAPTURED_H
#define CS_CMD_CAPTURED_H

#include "cmd/command.h"

/** cs_captured_is() - whether the operand names a file or standard input ("-"), not a server. */
bool cs_captured_is(const char *operand);
/** cs_captured_tell() - look at the capture that the command line names and print what it comes
 *  to. Return: exit status: 0 nothing failed, 1 something did, 2 it could not be looked at. */
int cs_captured_tell(const struct cs_line *line);

#endif

/* Going into the background, and telling who waits for the service to be up. */
#ifndef CS_DAEMON_BACKGROUND_H
#define CS_DAEMON_BACKGROUND_H

#include <stdbool.h>

/** cs_background_enter() - fork; the child goes on in a session of its own, without a terminal.
 *  Return: in the child 0 and in *ret_fd what cs_background_tell() wants; in the parent, once
 *  the child has told or has ended, 1 plus the exit status; -errno when there was no fork. */
int cs_background_enter(int *ret_fd);
/** cs_background_detach() - standard input and output lead nowhere from now on; so does standard
 *  error unless @keep_stderr. In the child, before it has children of its own: whoever reads
 *  what the parent printed waits until nobody holds the other end. */
void cs_background_detach(bool keep_stderr);
/** cs_background_tell() - let the waiting parent exit with @status, and close @fd. */
void cs_background_tell(int fd, int status);
/** cs_notify() - tell the service manager @state ("READY=1") if there is one that listens
 *  (sd_notify(3)). */
void cs_notify(const char *state);

#endif

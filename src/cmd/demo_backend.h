/* The service behind the gateway: answers every request with what it knows of the caller. */
#ifndef CS_CMD_DEMO_BACKEND_H
#define CS_CMD_DEMO_BACKEND_H

/** cs_demo_backend_run() - serve connections on @listen_fd for ever, one after the other: a JSON
 *  object with the request line and every header that begins with "X-Client-". *@served
 *  counts the connections, and is shared with who wants to know. */
_Noreturn void cs_demo_backend_run(int listen_fd, _Atomic unsigned *served);

#endif

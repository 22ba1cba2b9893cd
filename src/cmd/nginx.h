/* countersign under the name nginx: its options, its words, its streams, its exit statuses, so
 * that service files, monitoring and tools written for nginx work unchanged. */
#ifndef CS_CMD_NGINX_H
#define CS_CMD_NGINX_H

#include <stdbool.h>

/** cs_nginx_is_called() - whether @argv0 names a link called nginx. */
bool cs_nginx_is_called(const char *argv0);
/** cs_nginx_main() - be nginx. Return: the exit status. */
int cs_nginx_main(int argc, char *const *argv);

#endif

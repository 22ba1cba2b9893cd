/* What the files of the HTTP/1.x parser share among themselves. */
#ifndef CS_HTTP_H1_PRIVATE_H
#define CS_HTTP_H1_PRIVATE_H

#include "http/h1.h"

/** cs_h1_request_version() - judge the end of a request line, before the rest of it is looked
 *  at. Return: CS_H1_OK with the minor version, or why not. */
enum cs_h1_error cs_h1_request_version(struct cs_str line, unsigned *ret_minor);

#endif

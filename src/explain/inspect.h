/* What is in files of certificates, keys, requests and lists, told the way people ask for it, and
 * the same facts as JSON. */
#ifndef CS_EXPLAIN_INSPECT_H
#define CS_EXPLAIN_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "x509/bundle.h"

/** cs_inspect() - append everything that is known about @bundle, which was related and linted:
 *  each item with its findings, then how certificates hang together. @now_sec is what "left"
 *  counts from. JSON is one object, ended by a newline. Pure.
 *  Return: 0, or -ENOBUFS (@buf has a part of it). */
int cs_inspect(const struct cs_bundle *bundle, int64_t now_sec, bool json, bool colour,
               struct cs_buf *buf);

#endif

/* Text made safe for where it goes: targets, HTML, logs. The sets of bytes are nginx's. */
#ifndef CS_HTTP_ESCAPE_H
#define CS_HTTP_ESCAPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum cs_escape {
    CS_ESCAPE_URI,       /* a path: space " # % < > ? \ ^ ` { | } controls, DEL and above */
    CS_ESCAPE_ARGS,      /* args: the same and & + ; */
    CS_ESCAPE_COMPONENT, /* all but letters, digits, - . _ ~ ($ssl_client_escaped_cert) */
};

/** cs_escape_uri() - @s with the bytes of the set as %XX, upper case. Return: @s itself when
 *  there is nothing to do, else a text in @arena. A normalised path escaped with
 *  CS_ESCAPE_URI is what proxy_pass with a URI part forwards. */
struct cs_str cs_escape_uri(struct cs_str s, enum cs_escape set, struct cs_arena *arena);
/** cs_escape_html() - @s with & < > " as entities. Return: as cs_escape_uri(). */
struct cs_str cs_escape_html(struct cs_str s, struct cs_arena *arena);
/** cs_escape_log() - append @s as log_format's escape=default: '"', '\', controls and bytes
 *  above 126 as \xXX. Return: 0, or -ENOBUFS (part may have been written). */
int cs_escape_log(struct cs_buf *buf, struct cs_str s);
/** cs_escape_log_json() - append @s as escape=json: the inside of a JSON string (RFC 8259),
 *  without quotes; bytes from 128 on pass. Return: as cs_escape_log(). */
int cs_escape_log_json(struct cs_buf *buf, struct cs_str s);

#endif

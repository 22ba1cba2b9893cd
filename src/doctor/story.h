/* A capture, told: what happened on the wire of each connection, and what it comes to; or the same
 * facts as JSON. */
#ifndef CS_DOCTOR_STORY_H
#define CS_DOCTOR_STORY_H

#include "base/buf.h"
#include "doctor/dissect.h"

struct cs_story {
    struct cs_str file; /* its name */
    const struct cs_capture *capture;
    const struct cs_dissection *const *connections;
    size_t n;
    struct cs_str trust_name; /* what certificates were judged by; empty: nothing */
};

/** cs_story_tell() - append @story. JSON is one object and a newline: "file", "connections" (each
 *  with "client", "server", "fate", "code", "told_by", "events", "certificates", "record"), and
 *  counts of what was not looked at. Return: 0, or -ENOBUFS (@buf has a part of it). */
int cs_story_tell(const struct cs_story *story, bool json, bool colour, struct cs_buf *buf);

#endif

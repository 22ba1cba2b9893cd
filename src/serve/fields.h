/* The members of a JSON object, read into the fields of a struct. Pure.
 *
 * Strict (RFC 8259): one object, no member twice, none that is not described here, nothing behind
 * it. All that is wrong is found at once, each by its name.
 */
#ifndef CS_SERVE_FIELDS_H
#define CS_SERVE_FIELDS_H

#include <stdbool.h>

#include "base/findings.h"

enum cs_field_type {
    CS_FIELD_TEXT,   /* struct cs_str; a NULL pointer when absent. May hold any character but NUL */
    CS_FIELD_NUMBER, /* int64_t; left alone when absent */
};

struct cs_field {
    const char *name;
    enum cs_field_type type;
    bool required;
    size_t offset;    /* into the caller's struct */
    int64_t min, max; /* of a number; of a text the bytes it may have */
};

enum { CS_FIELDS_REFUSED = 1 };

/** cs_fields_read() - read @json into @ret, of which only members that are there are written, all
 * of them or none. Texts live in @arena. Return: 0, or CS_FIELDS_REFUSED with errors in @findings.
 */
__attribute__((warn_unused_result)) int cs_fields_read(struct cs_str json,
                                                       const struct cs_field *fields, size_t n,
                                                       struct cs_arena *arena,
                                                       struct cs_findings *findings, void *ret);

#endif

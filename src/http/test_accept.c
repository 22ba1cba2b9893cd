/* Accept: weights, exactness, order, and what is malformed. */
#include "http/accept.h"

#include "tap.h"

static const struct cs_str types[] = {
    CS_STR_INIT("text/html"),
    CS_STR_INIT("text/plain"),
    CS_STR_INIT("application/problem+json"),
};

static const struct {
    struct cs_str accept;
    size_t chosen;
    const char *why;
} rows[] = {
    {CS_STR_INIT(""), 0, "nothing said: the first"},
    {CS_STR_INIT("*/*"), 0, "everything: the first"},
    {CS_STR_INIT("text/plain"), 1, "one named"},
    {CS_STR_INIT("TEXT/Plain"), 1, "in any case"},
    {CS_STR_INIT("application/problem+json"), 2, "another one"},
    {CS_STR_INIT("application/*"), 2, "all of its kind"},
    {CS_STR_INIT("text/*"), 0, "the first of its kind"},
    {CS_STR_INIT("text/html;q=0.5, text/plain"), 1, "by weight"},
    {CS_STR_INIT("text/html;q=0.5, text/plain;q=0.4"), 0, "by weight, the other way"},
    {CS_STR_INIT("text/html ; q=0.001 , text/plain ; q=0.002"), 1, "with blanks"},
    {CS_STR_INIT("*/*;q=0.1, application/problem+json;q=0.2"), 2, "above all others"},
    {CS_STR_INIT("application/problem+json, text/plain, */*"), 1, "named before any; in order"},
    {CS_STR_INIT("*/*, application/problem+json"), 2, "named before any"},
    {CS_STR_INIT("text/html;q=0, */*"), 1, "all but one"},
    {CS_STR_INIT("text/*;q=0, */*"), 2, "all but a kind"},
    {CS_STR_INIT("text/html;level=1;q=0.3, text/plain;q=0.5"), 1, "parameters before the weight"},
    {CS_STR_INIT("image/png"), 0, "none of them: the first"},
    {CS_STR_INIT("text/html;q=0"), 0, "none at all: the first"},
    {CS_STR_INIT("text/html;q=2, text/plain;q=0.1"), 1, "a weight that is none"},
    {CS_STR_INIT("text/html;q=1.001, text/plain;q=0.1"), 1, "a weight above one"},
    {CS_STR_INIT("text/html;q=, text/plain;q=0.1"), 1, "no weight"},
    {CS_STR_INIT("text/html;q=0.1234, text/plain;q=0.1"), 1, "a weight too long"},
    {CS_STR_INIT(",,;q,;,=/, text/plain"), 1, "rubbish around"},
    {CS_STR_INIT("/*, *, text/plain"), 1, "ranges that are none"},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_int((int64_t)cs_accept_choose(rows[i].accept, types, 3), (int64_t)rows[i].chosen,
                rows[i].why);
    return tap_done();
}

/* Two ways of writing one fact, chosen for each call. */
#include "explain/sheet.h"

#include <errno.h>
#include <inttypes.h>

#include "explain/finding.h"
#include "explain/text.h"

/* The column at which values start, behind the indent. */
enum { LABEL_WIDTH = 14 };

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

void cs_sheet_begin(struct cs_sheet *sheet, struct cs_buf *buf, bool json, bool colour)
{
    *sheet = (struct cs_sheet){.buf = buf, .json = json, .colour = colour && !json};
}

static void note(struct cs_sheet *sheet, int r)
{
    sheet->full |= r < 0;
}

static void put(struct cs_sheet *sheet, const char *text)
{
    note(sheet, cs_buf_add_str(sheet->buf, cs_str_from(text)));
}

int cs_sheet_done(struct cs_sheet *sheet)
{
    if (sheet->json)
        put(sheet, "\n");
    return sheet->full ? -ENOBUFS : 0;
}

/* ---- JSON ---- */

/* What stands before a value: a comma, and its key if it has one. */
static void begin_value(struct cs_sheet *sheet, const char *key)
{
    if (sheet->more)
        put(sheet, ",");
    if (key)
        note(sheet, cs_buf_addf(sheet->buf, "\"%s\":", key));
    sheet->more = true;
}

static void open_json(struct cs_sheet *sheet, const char *key, const char *bracket)
{
    if (!sheet->json)
        return;
    begin_value(sheet, key);
    put(sheet, bracket);
    sheet->more = false;
}

static void close_json(struct cs_sheet *sheet, const char *bracket)
{
    if (!sheet->json)
        return;
    put(sheet, bracket);
    sheet->more = true;
}

void cs_sheet_open(struct cs_sheet *sheet, const char *key)
{
    open_json(sheet, key, "{");
}

void cs_sheet_close(struct cs_sheet *sheet)
{
    close_json(sheet, "}");
}

void cs_sheet_open_list(struct cs_sheet *sheet, const char *key)
{
    open_json(sheet, key, "[");
}

void cs_sheet_close_list(struct cs_sheet *sheet)
{
    close_json(sheet, "]");
}

/* ---- text ---- */

static void begin_line(struct cs_sheet *sheet, const char *label)
{
    note(sheet,
         cs_buf_addf(sheet->buf, "%*s%s%-*s%s", (int)sheet->indent, "", sheet->colour ? DIM : "",
                     LABEL_WIDTH, label, sheet->colour ? PLAIN : ""));
}

static void add_line(struct cs_sheet *sheet, const char *label, struct cs_str value)
{
    begin_line(sheet, label);
    note(sheet, cs_explain_escape(sheet->buf, value));
    put(sheet, "\n");
}

/* ---- facts ---- */

void cs_sheet_text(struct cs_sheet *sheet, const char *label, const char *key, struct cs_str value)
{
    if (!value.len)
        return;
    if (sheet->json && key) {
        begin_value(sheet, key);
        note(sheet, cs_buf_add_json(sheet->buf, value));
    } else if (!sheet->json && label) {
        add_line(sheet, label, value);
    }
}

void cs_sheet_number(struct cs_sheet *sheet, const char *label, const char *key, int64_t value)
{
    if (sheet->json && key) {
        begin_value(sheet, key);
        note(sheet, cs_buf_addf(sheet->buf, "%" PRId64, value));
    } else if (!sheet->json && label) {
        begin_line(sheet, label);
        note(sheet, cs_buf_addf(sheet->buf, "%" PRId64 "\n", value));
    }
}

void cs_sheet_flag(struct cs_sheet *sheet, const char *label, const char *key, bool value)
{
    if (sheet->json && key) {
        begin_value(sheet, key);
        put(sheet, value ? "true" : "false");
    } else if (!sheet->json && label) {
        add_line(sheet, label, value ? CS_STR("yes") : CS_STR("no"));
    }
}

void cs_sheet_raw(struct cs_sheet *sheet, const char *key, struct cs_str json)
{
    if (!sheet->json)
        return;
    begin_value(sheet, key);
    note(sheet, cs_buf_add_str(sheet->buf, json));
}

void cs_sheet_item(struct cs_sheet *sheet, const char *label, struct cs_str value)
{
    if (sheet->json) {
        begin_value(sheet, NULL);
        note(sheet, cs_buf_add_json(sheet->buf, value));
    } else {
        add_line(sheet, label ? label : "", value);
    }
}

void cs_sheet_line(struct cs_sheet *sheet, struct cs_str line, bool bold)
{
    if (sheet->json)
        return;
    if (line.len)
        note(sheet, cs_buf_addf(sheet->buf, "%*s", (int)sheet->indent, ""));
    put(sheet, bold && sheet->colour ? BOLD : "");
    note(sheet, cs_explain_escape(sheet->buf, line));
    put(sheet, bold && sheet->colour ? PLAIN : "");
    put(sheet, "\n");
}

/* A finding's lines, each behind the indent. */
static void add_paragraph(struct cs_sheet *sheet, struct cs_str text)
{
    while (text.len) {
        struct cs_str line = cs_str_cut(&text, '\n');
        note(sheet, cs_buf_addf(sheet->buf, "%*s", (int)sheet->indent, ""));
        note(sheet, cs_buf_add_str(sheet->buf, line));
        put(sheet, "\n");
    }
}

static void add_finding(struct cs_sheet *sheet, const struct cs_finding *finding)
{
    struct cs_buf words;

    cs_buf_init(&words, sheet->buf->max);
    if (sheet->json) {
        begin_value(sheet, NULL);
        note(sheet, cs_explain_finding(finding, CS_EXPLAIN_JSON, false, &words));
        note(sheet, cs_buf_add_str(sheet->buf, cs_buf_str(&words)));
    } else {
        note(sheet, cs_explain_finding(finding, CS_EXPLAIN_TEXT, sheet->colour, &words));
        add_paragraph(sheet, cs_buf_str(&words));
    }
    cs_buf_deinit(&words);
}

void cs_sheet_findings(struct cs_sheet *sheet, const struct cs_findings *findings)
{
    cs_sheet_open_list(sheet, "findings");
    for (const struct cs_finding *f = findings->first; f; f = f->next)
        add_finding(sheet, f);
    cs_sheet_close_list(sheet);
}

/* A line per request and log: the format's template, each variable escaped for its place. */
#include "gateway/access_log.h"

#include "gateway/conn.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "http/escape.h"

enum { LINE_MAX_BYTES = 64 << 10 };

static void add_value(struct cs_buf *line, const struct cs_log_format *format, struct cs_str value)
{
    switch (format->escape) {
    case CS_LOG_ESCAPE_NONE: cs_buf_add_str(line, value); return;
    case CS_LOG_ESCAPE_JSON: cs_escape_log_json(line, value); return;
    case CS_LOG_ESCAPE_DEFAULT: break;
    }
    if (value.len == 0)
        cs_buf_add_char(line, '-');
    else
        cs_escape_log(line, value);
}

static void add_line(struct cs_request *request, const struct cs_access_log *log,
                     struct cs_buf *line)
{
    const struct cs_template *text = &log->format->text;

    for (size_t i = 0; i < text->n; i++) {
        if (text->parts[i].variable < 0)
            cs_buf_add_str(line, text->parts[i].literal);
        else
            add_value(line, log->format, cs_request_variable(request, text->parts[i].variable));
    }
    line->max++; /* a line that was cut ends like any other */
    cs_buf_add_char(line, '\n');
    line->max--;
}

static bool wanted(struct cs_request *request, const struct cs_access_log *log)
{
    struct cs_str value;

    if (!log->conditional)
        return true;
    value = cs_request_eval(request, &log->condition);
    return value.len && !cs_str_eq(value, CS_STR("0"));
}

void cs_access_log(struct cs_request *request)
{
    const struct cs_scope *scope = request->scope;
    struct cs_worker *worker = request->conn->worker;
    struct cs_buf line;

    cs_buf_init(&line, LINE_MAX_BYTES);
    for (size_t i = 0; i < scope->n_logs; i++) {
        if (!wanted(request, &scope->logs[i]))
            continue;
        cs_buf_reset(&line);
        add_line(request, &scope->logs[i], &line);
        cs_logs_write(&worker->logs, scope->logs[i].log, cs_buf_str(&line));
    }
    cs_buf_deinit(&line);
}

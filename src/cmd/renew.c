/* renew: a running gateway asks for its certificates anew, before it is time. */
#include <jansson.h>
#include <stdio.h>

#include "base/str.h"
#include "cmd/command.h"
#include "cmd/report.h"
#include "cmd/talk.h"

static void tell(const json_t *answer)
{
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(answer, "asked"), i, name)
        printf("asking for %s now\n", json_string_value(name));
}

int cs_cmd_renew(const struct cs_line *line)
{
    struct cs_instance instance;
    json_t *request = json_pack("{s:s}", "do", "renew"), *answer = NULL;
    int status;

    if (line->n_operands &&
        json_object_set_new(request, "name", json_string(line->operands[0])) < 0) {
        json_decref(request);
        return cs_report_usage("renew", "NAME is not UTF-8");
    }
    cs_instance_init(&instance, line);
    status = cs_talk(line, &instance, request, &answer);
    cs_instance_deinit(&instance);
    if (status != CS_EXIT_OK)
        return status;
    if (cs_line_has(line, CS_OPT_JSON)) {
        json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    } else {
        tell(answer);
    }
    json_decref(answer);
    return CS_EXIT_OK;
}

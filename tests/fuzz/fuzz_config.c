/* Any bytes as a configuration whose includes give its own start: loading ends; what is without
 * errors prints as text that loads without errors and prints the same. */
#include "config/print.h"
#include "config/template.h"
#include "config/test_support.h"

#include "base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_input(void *ctx, struct cs_str path, struct cs_arena *arena,
                      struct cs_str *ret_text)
{
    if (path.len > 64)
        return -ENAMETOOLONG;
    *ret_text = *(const struct cs_str *)ctx;
    if (!cs_str_eq(path, CS_STR("main")))
        *ret_text = cs_str_sub(*ret_text, 0, 64);
    return 0;
}

static int glob_two(void *ctx, struct cs_str pattern, struct cs_arena *arena,
                    struct cs_str **ret_paths, size_t *ret_n)
{
    *ret_paths = cs_arena_array(arena, 2, sizeof(**ret_paths));
    (*ret_paths)[0] = CS_STR("b");
    (*ret_paths)[1] = CS_STR("a");
    *ret_n = 2;
    return 0;
}

/* Load and print the tree when it has no errors. Return: whether it has none. */
static bool load_and_print(const struct cs_config_reader *reader, struct cs_str extra,
                           struct cs_arena *arena, struct cs_buf *buf)
{
    struct cs_findings findings;
    struct cs_config *config;

    cs_findings_init(&findings, arena);
    cs_assert(cs_config_load(reader, CS_STR("main"), CS_STR(""), extra, &test_schema, arena,
                             &findings, &config) == 0);
    if (findings.n_errors > 0)
        return false;
    return cs_print_block(buf, config->main) == 0;
}

static int lookup(void *ctx, struct cs_str name)
{
    return name.len < 5 ? (int)name.len : -1;
}

static struct cs_str value(void *ctx, int variable)
{
    return cs_str_sub(CS_STR("value"), 0, (size_t)variable);
}

static void use_template(struct cs_str text, struct cs_arena *arena)
{
    const struct cs_place place = {.line = 1, .column = 1, .text = text};
    struct cs_findings findings;
    struct cs_template template;

    cs_findings_init(&findings, arena);
    cs_template_compile(text, &place, lookup, NULL, arena, &findings, &template);
    cs_template_eval(&template, arena, value, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_str text = cs_str_make(data, size), printed;
    const struct cs_config_reader reader = {read_input, glob_two, &text};
    const struct cs_config_reader again = {read_input, NULL, &printed};
    struct cs_arena arena = {0};
    struct cs_buf once, twice;

    if (size > 1 << 16)
        return 0;
    cs_buf_init(&once, 1 << 24);
    cs_buf_init(&twice, 1 << 24);
    use_template(text, &arena);
    load_and_print(&reader, text, &arena, &twice);
    cs_buf_reset(&twice);
    if (load_and_print(&reader, CS_STR(""), &arena, &once)) {
        printed = cs_buf_str(&once);
        cs_assert(load_and_print(&again, CS_STR(""), &arena, &twice));
        cs_assert(cs_str_eq(cs_buf_str(&once), cs_buf_str(&twice)));
    }
    cs_buf_deinit(&once);
    cs_buf_deinit(&twice);
    cs_arena_deinit(&arena);
    return 0;
}

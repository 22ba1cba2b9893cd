/* Command lines of every shape, and what the tables promise. */
#include "cmd/command.h"

#include "tap.h"

#include <stdio.h>
#include <string.h>

#define WORDS 8

static const struct {
    const char *words[WORDS];
    enum cs_option option; /* one that was given */
    const char *value;
    int n_operands;
} accepted[] = {
    {{"run"}, CS_OPT_N, NULL, 0},
    {{"run", "-c", "a.conf"}, CS_OPT_CONFIG, "a.conf", 0},
    {{"run", "-ca.conf"}, CS_OPT_CONFIG, "a.conf", 0},
    {{"run", "--config", "a.conf"}, CS_OPT_CONFIG, "a.conf", 0},
    {{"run", "--config=a.conf"}, CS_OPT_CONFIG, "a.conf", 0},
    {{"run", "--conf=a.conf"}, CS_OPT_CONFIG, "a.conf", 0},
    {{"run", "-c", "a", "-c", "b"}, CS_OPT_CONFIG, "b", 0},
    {{"run", "-p", "/x", "-g", "daemon off;", "-e", "stderr"}, CS_OPT_GLOBALS, "daemon off;", 0},
    {{"check", "--json"}, CS_OPT_JSON, "", 0},
    {{"check", "-h"}, CS_OPT_HELP, "", 0},
    {{"help"}, CS_OPT_N, NULL, 0},
    {{"help", "run"}, CS_OPT_N, NULL, 1},
    {{"help", "--", "-x"}, CS_OPT_N, NULL, 1},
    {{"doctor", "--pin", "a", "--pin", "b", "h"}, CS_OPT_PIN, "b", 1},
    {{"help", "--completion", "bash"}, CS_OPT_COMPLETION, "bash", 0},
};

static const struct {
    const char *words[WORDS];
    const char *error;
} refused[] = {
    {{"run", "-x"}, "unknown option \"-x\""},
    {{"run", "--json"}, "unknown option \"--json\""},
    {{"run", "--cofnig", "x"}, "unknown option \"--cofnig\", did you mean \"--config\"?"},
    {{"run", "-c"}, "option -c wants FILE"},
    {{"run", "--prefix"}, "option --prefix wants DIR"},
    {{"check", "--json=yes"}, "option --json takes no argument"},
    {{"run", "a.conf"}, "unexpected \"a.conf\""},
    {{"help", "a", "b", "c"}, "unexpected \"c\""},
};

static const struct {
    const char *typed;
    const char *nearest; /* NULL: none */
} nearest[] = {
    {"chekc", "check"},   {"realod", "reload"},   {"rnu", "run"}, {"ru", "run"},
    {"frobnicate", NULL}, {"verison", "version"}, {"", NULL},
};

static int parse(const char *const words[WORDS], struct cs_line *ret, struct cs_buf *error)
{
    char *argv[WORDS + 1] = {0};
    int argc = 0;

    for (; argc < WORDS && words[argc]; argc++)
        argv[argc] = (char *)words[argc];
    cs_buf_reset(error);
    return cs_line_parse(cs_command_find(words[0]), argc, argv, ret, error);
}

static void test_lines(void)
{
    struct cs_buf error;
    struct cs_line line;

    cs_buf_init(&error, 1024);
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (!tap_ok(parse(accepted[i].words, &line, &error) == 0, "accepted %zu", i))
            continue;
        tap_int(line.n_operands, accepted[i].n_operands, "operands");
        if (accepted[i].option != CS_OPT_N)
            tap_str(cs_str_from(line.values[accepted[i].option]), cs_str_from(accepted[i].value),
                    "the value of its option");
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        tap_ok(parse(refused[i].words, &line, &error) < 0, "refused %zu", i);
        tap_str(cs_buf_str(&error), cs_str_from(refused[i].error), "for this reason");
    }
    cs_buf_deinit(&error);
}

static void test_nearest(void)
{
    for (size_t i = 0; i < sizeof(nearest) / sizeof(nearest[0]); i++) {
        const struct cs_command *found = cs_command_nearest(nearest[i].typed);
        tap_str(cs_str_from(found ? found->name : NULL), cs_str_from(nearest[i].nearest),
                "did you mean");
    }
}

/* Every line of help fits a terminal, and every command and option is explained. */
static void check_text(struct cs_str text, const char *what)
{
    size_t widest = 0;

    while (text.ptr) {
        struct cs_str one = cs_str_cut(&text, '\n');
        widest = one.len > widest ? one.len : widest;
    }
    tap_ok(widest <= 80, "%s: widest line %zu", what, widest);
}

/* One command line, as a shell would take it apart but for quotes. */
static bool is_accepted(char *text)
{
    char *argv[32] = {0}, *rest = NULL;
    int argc = 0, n_words = 0;
    const struct cs_command *command;
    struct cs_buf error;
    struct cs_line line;
    bool good;

    for (char *word = strtok_r(text, " ", &rest); word && argc < 31;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    if (argc < 2 || strcmp(argv[0], "countersign") != 0)
        return false;
    command = cs_command_find_words(argc - 1, argv + 1, &n_words);
    cs_buf_init(&error, 1024);
    good = command && cs_line_parse(command, argc - n_words, argv + n_words, &line, &error) == 0;
    cs_buf_deinit(&error);
    return good;
}

/* They are what people copy. */
static void test_examples(void)
{
    size_t n, total = 0;
    const struct cs_command *commands = cs_commands(&n);

    for (size_t i = 0; i < n; i++) {
        struct cs_str rest = cs_str_from(cs_command_examples(&commands[i]));
        char text[256] = "";
        while (rest.len) {
            struct cs_str one = cs_str_cut(&rest, '\n');
            bool goes_on = cs_str_ends(one, CS_STR(" \\"));
            size_t len = strlen(text);
            snprintf(text + len, sizeof(text) - len, "%.*s ",
                     CS_FMT(goes_on ? cs_str_sub(one, 0, one.len - 2) : one));
            if (goes_on)
                continue;
            tap_ok(strstr(text, commands[i].name) != NULL, "%s", text);
            tap_ok(is_accepted(text), "of %s", commands[i].name);
            text[0] = '\0';
            total++;
        }
        tap_ok(!text[0], "the last line does not go on");
    }
    tap_ok(total >= n - 2, "all but the group and version have examples");
}

static void test_help(void)
{
    const struct cs_command *commands;
    struct cs_buf buf;
    size_t n;

    commands = cs_commands(&n);
    cs_buf_init(&buf, 64 << 10);
    for (size_t i = 0; i < n; i++) {
        cs_buf_reset(&buf);
        tap_int(cs_help_command(&commands[i], &buf), 0, commands[i].name);
        check_text(cs_buf_str(&buf), commands[i].name);
    }
    cs_buf_reset(&buf);
    tap_int(cs_help_general(&buf), 0, "general help");
    for (size_t i = 0; i < n; i++)
        tap_ok((cs_str_search(cs_buf_str(&buf), cs_str_from(commands[i].summary)) >= 0) ==
                   cs_command_is_of(&commands[i], NULL),
               "%s is listed, unless it is of a group", commands[i].name);
    for (int i = 0; i < CS_OPT_N; i++)
        tap_ok(cs_option_rows()[i].doc && *cs_option_rows()[i].doc, "option %d is explained", i);
    cs_buf_deinit(&buf);
}

int main(void)
{
    test_lines();
    test_nearest();
    test_examples();
    test_help();
    return tap_done();
}

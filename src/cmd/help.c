/* help: what the tables say, put into lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/completion.h"
#include "cmd/report.h"
#include "config/print.h"
#include "snapshot/snapshot.h"

#define HELP_MAX (1 << 20)

static int add_option(const struct cs_option_row *row, struct cs_buf *buf)
{
    char left[64];

    if (row->letter)
        snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter, row->name,
                 row->argument ? " " : "", row->argument ? row->argument : "");
    else
        snprintf(left, sizeof(left), "    --%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
    return cs_buf_addf(buf, "  %-26s %s\n", left, row->doc);
}

/* Behind @line, or on a new one when it would end behind the last column. */
static int add_word(struct cs_buf *buf, size_t *line, struct cs_str word)
{
    static const size_t last = 80, indent = 15;
    int r;

    if (buf->len - *line + 1 + word.len > last) {
        *line = buf->len + 1;
        r = cs_buf_addf(buf, "\n%*s", (int)indent, "");
    } else {
        r = cs_buf_add_char(buf, ' ');
    }
    return r || cs_buf_add_str(buf, word);
}

static int add_synopsis(const struct cs_command *command, struct cs_buf *buf)
{
    const struct cs_option_row *rows = cs_option_rows();
    size_t line = buf->len;
    int r = cs_buf_addf(buf, "usage: countersign %s", command->name);
    char word[64];

    for (int i = 0; i < CS_OPT_HELP && r == 0; i++) {
        const char *argument = rows[i].argument;
        if (!cs_command_shows(command, i))
            continue;
        if (rows[i].letter)
            snprintf(word, sizeof(word), "[-%c%s%s]", rows[i].letter, argument ? " " : "",
                     argument ? argument : "");
        else
            snprintf(word, sizeof(word), "[--%s%s%s]", rows[i].name, argument ? " " : "",
                     argument ? argument : "");
        r = add_word(buf, &line, cs_str_from(word));
    }
    if (command->operands)
        r = r || add_word(buf, &line, cs_str_from(command->operands));
    return r || cs_buf_add_char(buf, '\n');
}

/* A line for each command of @group; NULL: of no group. Nothing when it has none. */
static int add_summaries(const struct cs_command *group, struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (cs_command_is_of(&commands[i], group))
            r = cs_buf_addf(buf, "  %-11s %s\n", commands[i].name, commands[i].summary);
    }
    return r;
}

int cs_help_general(struct cs_buf *buf)
{
    int r = cs_buf_addf(buf,
                        "countersign %s: mutual TLS in front of your services\n\n"
                        "usage: countersign COMMAND [OPTION]...\n\n",
                        CS_VERSION);

    r = r ? r : add_summaries(NULL, buf);
    return r || cs_buf_add_str(buf, CS_STR("\n\"countersign help COMMAND\" says more about one.\n"
                                           "Called through a link named nginx it takes nginx's "
                                           "options.\n"));
}

/* What the exit status means, where the text does not say it better. */
static int add_exits(const struct cs_command *command, struct cs_buf *buf)
{
    if (cs_command_is_group(command) ||
        cs_str_search(cs_str_from(command->text), CS_STR("xits ")) >= 0)
        return 0;
    return cs_buf_add_str(buf,
                          CS_STR("Exits 0 if it worked, 1 if not, 2 if it was asked wrongly or "
                                 "could not be tried.\n\n"));
}

static int add_examples(const struct cs_command *command, struct cs_buf *buf)
{
    const char *lines = cs_command_examples(command);

    return *lines ? cs_buf_addf(buf, "\nFor example:\n%s", lines) : 0;
}

/* What is meant where -c is left out. */
static int add_defaults(const struct cs_command *command, struct cs_buf *buf)
{
    if (!cs_command_takes(command, CS_OPT_CONFIG))
        return 0;
    if (strchr(command->name, ' ')) /* of the CA */
        return cs_buf_add_str(buf,
                              CS_STR("\nWith -c, what options do not say is as in the authority "
                                     "block there: the CA's\nfolder, the file with its pass "
                                     "phrase, profiles.\n"));
    return cs_buf_addf(buf,
                       "\nWithout -c the configuration is %s.\n"
                       "A relative FILE starts at DIR if -p is given, else in the current folder;\n"
                       "without -p, DIR is the folder of FILE.\n",
                       CS_DEFAULT_CONFIG);
}

int cs_help_command(const struct cs_command *command, struct cs_buf *buf)
{
    int r = cs_buf_addf(buf, "countersign %s: %s\n\n", command->name, command->summary) ||
            add_synopsis(command, buf) || cs_buf_add_char(buf, '\n');

    if (*command->text)
        r = r || cs_buf_addf(buf, "%s\n", command->text);
    r = r || add_exits(command, buf);
    if (cs_command_is_group(command))
        r = r || add_summaries(command, buf) || cs_buf_add_char(buf, '\n');
    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (cs_command_shows(command, i))
            r = add_option(&cs_option_rows()[i], buf);
    }
    r = r || add_defaults(command, buf);
    return r || add_examples(command, buf);
}

static int help_about(const struct cs_line *line, struct cs_buf *buf)
{
    int n;
    const struct cs_command *command = cs_command_find_words(line->n_operands, line->operands, &n);
    char words[64];

    if (!command || n < line->n_operands) {
        snprintf(words, sizeof(words), "%s%s%s", line->operands[0], command ? " " : "",
                 command ? line->operands[1] : "");
        return cs_report_unknown_command(words);
    }
    cs_help_command(command, buf);
    return CS_EXIT_OK;
}

static int complete_in(struct cs_str shell, struct cs_buf *buf)
{
    if (cs_completion(shell, buf) != -ENOENT)
        return CS_EXIT_OK;
    fprintf(stderr,
            "countersign help: no completion for \"%.*s\"\n"
            "  hint: there is one for bash, zsh and fish\n",
            CS_FMT(shell));
    return CS_EXIT_USAGE;
}

int cs_cmd_help(const struct cs_line *line)
{
    const char *shell = line->values[CS_OPT_COMPLETION];
    struct cs_buf buf;
    int status = CS_EXIT_OK;

    cs_buf_init(&buf, HELP_MAX);
    if (cs_line_has(line, CS_OPT_DIRECTIVES)) {
        cs_print_manual(&buf, cs_snapshot_schema());
    } else if (shell) {
        status = complete_in(cs_str_from(shell), &buf);
    } else if (line->n_operands) {
        status = help_about(line, &buf);
    } else {
        cs_help_general(&buf);
    }
    if (buf.len) /* else there is no pointer either */
        fwrite(buf.ptr, 1, buf.len, stdout);
    cs_buf_deinit(&buf);
    return status;
}

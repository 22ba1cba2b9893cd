/* help: what the tables say, put into lines. */
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
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

static bool shows(const struct cs_command *command, int option)
{
    return !cs_option_rows()[option].hidden && cs_command_takes(command, option);
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
        if (!shows(command, i))
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

static bool is_group(const struct cs_command *command)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);

    for (size_t i = 0; i < n; i++) {
        if (cs_command_is_of(&commands[i], command))
            return true;
    }
    return false;
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
    if (is_group(command) || cs_str_search(cs_str_from(command->text), CS_STR("xits ")) >= 0)
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
    if (is_group(command))
        r = r || add_summaries(command, buf) || cs_buf_add_char(buf, '\n');
    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (shows(command, i))
            r = add_option(&cs_option_rows()[i], buf);
    }
    r = r || add_defaults(command, buf);
    return r || add_examples(command, buf);
}

static int add_completion_options(const struct cs_command *command, struct cs_buf *buf)
{
    const struct cs_option_row *rows = cs_option_rows();
    int r = 0;

    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (!shows(command, i))
            continue;
        r = cs_buf_addf(buf, " --%s", rows[i].name);
        if (rows[i].letter)
            r = r || cs_buf_addf(buf, " -%c", rows[i].letter);
    }
    return r;
}

static bool takes_files(const struct cs_command *command)
{
    return command->operands && cs_str_search(cs_str_from(command->operands), CS_STR("FILE")) >= 0;
}

/* What a shell offers as the argument of an option. */
static const char *offer_of(const char *argument)
{
    if (strcmp(argument, "FILE") == 0)
        return "COMPREPLY=($(compgen -f -- \"$word\")); return";
    if (strcmp(argument, "DIR") == 0)
        return "COMPREPLY=($(compgen -d -- \"$word\")); return";
    if (strcmp(argument, "ROLE") == 0)
        return "COMPREPLY=($(compgen -W \"client server ca\" -- \"$word\")); return";
    return "return";
}

/* The branch for the options with the same offer as option @first has; none when an option before
 * it has that too. */
static int add_offer(struct cs_buf *buf, int first)
{
    const struct cs_option_row *rows = cs_option_rows();
    const char *offer = offer_of(rows[first].argument), *before = "        ";
    int r = 0;

    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (rows[i].hidden || !rows[i].argument || strcmp(offer_of(rows[i].argument), offer) != 0)
            continue;
        if (i < first)
            return 0;
        r = cs_buf_addf(buf, "%s--%s", before, rows[i].name);
        if (rows[i].letter)
            r = r || cs_buf_addf(buf, "|-%c", rows[i].letter);
        before = "|";
    }
    return r || cs_buf_addf(buf, ") %s ;;\n", offer);
}

static int add_offers(struct cs_buf *buf)
{
    const struct cs_option_row *rows = cs_option_rows();
    int r = 0;

    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (!rows[i].hidden && rows[i].argument)
            r = add_offer(buf, i);
    }
    return r;
}

/* The branch of one command: its options, and files where it takes them. */
static int add_branch(const struct cs_command *command, const char *indent, struct cs_buf *buf)
{
    const char *space = strchr(command->name, ' ');

    return cs_buf_addf(buf, "%s%s) words=\"", indent, space ? space + 1 : command->name) ||
           add_completion_options(command, buf) ||
           cs_buf_add_str(buf, takes_files(command)
                                   ? CS_STR("\"; COMPREPLY=($(compgen -f -- \"$word\")) ;;\n")
                                   : CS_STR("\" ;;\n"));
}

/* The second words of @group; NULL: the first words. */
static int add_names(const struct cs_command *group, struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    const char *before = "";
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!cs_command_is_of(&commands[i], group))
            continue;
        r = cs_buf_addf(buf, "%s%s", before,
                        commands[i].name + (group ? strlen(group->name) + 1 : 0));
        before = " ";
    }
    return r;
}

/* The branch of a group: its commands, and behind one of them that command's branch. */
static int add_group(const struct cs_command *group, struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = cs_buf_addf(buf, "            %s) words=\"", group->name) || add_names(group, buf) ||
            cs_buf_add_str(buf, CS_STR("\"\n                if [ \"$COMP_CWORD\" -gt 2 ]; then\n"
                                       "                    case ${COMP_WORDS[2]} in\n"));

    for (size_t i = 0; i < n && r == 0; i++) {
        if (cs_command_is_of(&commands[i], group))
            r = add_branch(&commands[i], "                        ", buf);
    }
    return r || cs_buf_add_str(buf, CS_STR("                    esac\n"
                                           "                fi ;;\n"));
}

static int add_branches(struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (strcmp(commands[i].name, "help") == 0 || !cs_command_is_of(&commands[i], NULL))
            continue;
        r = is_group(&commands[i]) ? add_group(&commands[i], buf)
                                   : add_branch(&commands[i], "            ", buf);
    }
    return r;
}

int cs_help_completion(struct cs_buf *buf)
{
    int r = cs_buf_add_str(buf, CS_STR("# bash completion for countersign, printed by\n"
                                       "# `countersign help --completion bash`\n"
                                       "_countersign()\n{\n"
                                       "    local word=${COMP_WORDS[COMP_CWORD]} words\n"
                                       "    case ${COMP_WORDS[COMP_CWORD-1]} in\n"));

    r = r || add_offers(buf) || cs_buf_add_str(buf, CS_STR("    esac\n    words=\"")) ||
        add_names(NULL, buf) ||
        cs_buf_add_str(buf, CS_STR("\"\n    if [ \"$COMP_CWORD\" -gt 1 ]; then\n"
                                   "        case ${COMP_WORDS[1]} in\n")) ||
        add_branches(buf);
    return r ||
           cs_buf_add_str(buf, CS_STR("            help) ;;\n            *) words= ;;\n"
                                      "        esac\n    fi\n"
                                      "    COMPREPLY+=($(compgen -W \"$words\" -- \"$word\"))\n"
                                      "}\ncomplete -o filenames -F _countersign countersign\n"));
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

int cs_cmd_help(const struct cs_line *line)
{
    const char *shell = line->values[CS_OPT_COMPLETION];
    struct cs_buf buf;
    int status = CS_EXIT_OK;

    cs_buf_init(&buf, HELP_MAX);
    if (cs_line_has(line, CS_OPT_DIRECTIVES)) {
        cs_print_manual(&buf, cs_snapshot_schema());
    } else if (shell && strcmp(shell, "bash") == 0) {
        cs_help_completion(&buf);
    } else if (shell) {
        fprintf(stderr,
                "countersign help: no completion for \"%s\", only for bash\n"
                "  hint: zsh takes it too, after autoload -U +X bashcompinit && bashcompinit\n",
                shell);
        status = CS_EXIT_USAGE;
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

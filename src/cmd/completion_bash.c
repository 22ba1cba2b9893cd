/* The completion for bash: one function, which is a case of commands and what each of them takes.
 */
#include "cmd/completion.h"

#include <string.h>

static int add_completion_options(const struct cs_command *command, struct cs_buf *buf)
{
    const struct cs_option_row *rows = cs_option_rows();
    int r = 0;

    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (!cs_command_shows(command, i))
            continue;
        r = cs_buf_addf(buf, " --%s", rows[i].name);
        if (rows[i].letter)
            r = r || cs_buf_addf(buf, " -%c", rows[i].letter);
    }
    return r;
}

/* What to do in the place of an option's argument. */
static const char *offer_of(const char *argument)
{
    switch (cs_completion_of(argument)) {
    case CS_COMPLETE_FILES: return "COMPREPLY=($(compgen -f -- \"$word\")); return";
    case CS_COMPLETE_FOLDERS: return "COMPREPLY=($(compgen -d -- \"$word\")); return";
    case CS_COMPLETE_ROLES:
        return "COMPREPLY=($(compgen -W \"" CS_COMPLETE_ROLE_WORDS "\" -- \"$word\")); return";
    case CS_COMPLETE_NOTHING: break;
    }
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
    return cs_buf_addf(buf, "%s%s) words=\"", indent, cs_completion_word(command)) ||
           add_completion_options(command, buf) ||
           cs_buf_add_str(buf, cs_completion_files(command)
                                   ? CS_STR("\"; COMPREPLY=($(compgen -f -- \"$word\")) ;;\n")
                                   : CS_STR("\" ;;\n"));
}

/* The branch of a group: its commands, and behind one of them that command's branch. */
static int add_group(const struct cs_command *group, struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = cs_buf_addf(buf, "            %s) words=\"", group->name) ||
            cs_completion_names(group, buf) ||
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
        if (cs_completion_commands(&commands[i]) || !cs_command_is_of(&commands[i], NULL))
            continue;
        r = cs_command_is_group(&commands[i]) ? add_group(&commands[i], buf)
                                              : add_branch(&commands[i], "            ", buf);
    }
    return r;
}

int cs_completion_bash(struct cs_buf *buf)
{
    int r = cs_buf_add_str(buf, CS_STR("# bash completion for countersign, printed by\n"
                                       "# `countersign help --completion bash`\n"
                                       "_countersign()\n{\n"
                                       "    local word=${COMP_WORDS[COMP_CWORD]} words\n"
                                       "    case ${COMP_WORDS[COMP_CWORD-1]} in\n"));

    r = r || add_offers(buf) || cs_buf_add_str(buf, CS_STR("    esac\n    words=\"")) ||
        cs_completion_names(NULL, buf) ||
        cs_buf_add_str(buf, CS_STR("\"\n    if [ \"$COMP_CWORD\" -gt 1 ]; then\n"
                                   "        case ${COMP_WORDS[1]} in\n")) ||
        add_branches(buf);
    return r ||
           cs_buf_add_str(buf, CS_STR("            help) ;;\n            *) words= ;;\n"
                                      "        esac\n    fi\n"
                                      "    COMPREPLY+=($(compgen -W \"$words\" -- \"$word\"))\n"
                                      "}\ncomplete -o filenames -F _countersign countersign\n"));
}

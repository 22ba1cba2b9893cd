/* The completion for fish: a line for each command and each option of it, with what help says about
 * it and the words that have to stand before it. */
#include "cmd/completion.h"

/* In single quotes. */
static int add_quoted(struct cs_buf *buf, const char *text)
{
    int r = cs_buf_add_char(buf, '\'');

    for (; *text && r == 0; text++)
        r = cs_buf_addf(buf, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    return r || cs_buf_add_char(buf, '\'');
}

static const char *flags_of(enum cs_complete complete)
{
    switch (complete) {
    case CS_COMPLETE_FILES: return " -r -F";
    case CS_COMPLETE_FOLDERS: return " -x -a '(__fish_complete_directories)'";
    case CS_COMPLETE_ROLES: return " -x -a '" CS_COMPLETE_ROLE_WORDS "'";
    case CS_COMPLETE_NOTHING: break;
    }
    return " -x";
}

static int add_option(struct cs_buf *buf, const struct cs_command *command,
                      const struct cs_option_row *row)
{
    int r = cs_buf_addf(buf, "complete -c countersign -n '__countersign_in %s'", command->name);

    if (row->letter)
        r = r || cs_buf_addf(buf, " -s %c", row->letter);
    r = r || cs_buf_addf(buf, " -l %s%s -d ", row->name,
                         row->argument ? flags_of(cs_completion_of(row->argument)) : "");
    return r || add_quoted(buf, row->doc) || cs_buf_add_char(buf, '\n');
}

/* The command where its name can stand, and what is behind it. */
static int add_command(struct cs_buf *buf, const struct cs_command *command,
                       const struct cs_command *group)
{
    int r = cs_buf_addf(buf, "complete -c countersign -n '__countersign_at%s%s' -a %s -d ",
                        group ? " " : "", group ? group->name : "", cs_completion_word(command)) ||
            add_quoted(buf, command->summary) || cs_buf_add_char(buf, '\n');

    if (cs_command_is_group(command))
        return r;
    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (cs_command_shows(command, i))
            r = add_option(buf, command, &cs_option_rows()[i]);
    }
    if (r == 0 && cs_completion_commands(command))
        r = cs_buf_addf(buf, "complete -c countersign -n '__countersign_at %s' -a '",
                        command->name) ||
            cs_completion_names(NULL, buf) || cs_buf_add_str(buf, CS_STR("'\n"));
    if (r == 0 && cs_completion_files(command))
        r = cs_buf_addf(buf, "complete -c countersign -n '__countersign_in %s' -F\n",
                        command->name);
    return r;
}

static int add_commands(struct cs_buf *buf, const struct cs_command *group)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!cs_command_is_of(&commands[i], group))
            continue;
        r = add_command(buf, &commands[i], group);
        if (cs_command_is_group(&commands[i]))
            r = r || add_commands(buf, &commands[i]);
    }
    return r;
}

int cs_completion_fish(struct cs_buf *buf)
{
    return cs_buf_add_str(buf, CS_STR("# fish completion for countersign, printed by\n"
                                      "# `countersign help --completion fish`\n\n"
                                      "# Whether the words so far begin with these.\n"
                                      "function __countersign_in\n"
                                      "    set -l words (commandline -opc)\n"
                                      "    set -e words[1]\n"
                                      "    test (count $words) -ge (count $argv)\n"
                                      "    and test \"$words[1..$(count $argv)]\" = \"$argv\"\n"
                                      "end\n\n"
                                      "# Whether they are these and no more.\n"
                                      "function __countersign_at\n"
                                      "    set -l words (commandline -opc)\n"
                                      "    set -e words[1]\n"
                                      "    test \"$words\" = \"$argv\"\n"
                                      "end\n\n"
                                      "complete -c countersign -f\n")) ||
           add_commands(buf, NULL);
}

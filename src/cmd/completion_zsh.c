/* The completion for zsh: what _arguments and _describe are told of each command, with what help
 * says about it. */
#include "cmd/completion.h"

#include <stdio.h>

/* @text inside single quotes, with a backslash before the characters in @special. */
static int add_quoted(struct cs_buf *buf, const char *text, struct cs_str special)
{
    int r = 0;

    for (; *text && r == 0; text++) {
        if (*text == '\'')
            r = cs_buf_add_str(buf, CS_STR("'\\''"));
        else if (cs_str_find(special, *text) >= 0)
            r = cs_buf_addf(buf, "\\%c", *text);
        else
            r = cs_buf_add_char(buf, *text);
    }
    return r;
}

static const char *action_of(enum cs_complete complete)
{
    switch (complete) {
    case CS_COMPLETE_FILES: return "_files";
    case CS_COMPLETE_FOLDERS: return "_files -/";
    case CS_COMPLETE_ROLES: return "(" CS_COMPLETE_ROLE_WORDS ")";
    case CS_COMPLETE_NOTHING: break;
    }
    return " ";
}

/* ":FILE:_files" */
static int add_argument(struct cs_buf *buf, const char *argument, enum cs_complete complete)
{
    return cs_buf_add_char(buf, ':') || add_quoted(buf, argument, CS_STR(":\\")) ||
           cs_buf_addf(buf, ":%s", action_of(complete));
}

/* One spelling of an option; the other is not offered behind it. @joint: how its argument goes on
 * in the same word. */
static int add_spelling(struct cs_buf *buf, const struct cs_option_row *row, const char *spelling,
                        const char *joint)
{
    int r = cs_buf_add_str(buf, CS_STR(" \\\n        '"));

    if (row->letter)
        r = r || cs_buf_addf(buf, "(-%c --%s)", row->letter, row->name);
    r = r || cs_buf_addf(buf, "%s%s[", spelling, row->argument ? joint : "") ||
        add_quoted(buf, row->doc, CS_STR("[]\\")) || cs_buf_add_char(buf, ']');
    if (row->argument)
        r = r || add_argument(buf, row->argument, cs_completion_of(row->argument));
    return r || cs_buf_add_char(buf, '\'');
}

static int add_option(struct cs_buf *buf, const struct cs_option_row *row)
{
    char letter[3] = {'-', row->letter, '\0'}, name[64];
    int r = row->letter ? add_spelling(buf, row, letter, "+") : 0;

    snprintf(name, sizeof(name), "--%s", row->name);
    return r || add_spelling(buf, row, name, "=");
}

static int add_operands(struct cs_buf *buf, const struct cs_command *command)
{
    if (!command->operands)
        return 0;
    if (cs_completion_commands(command))
        return cs_buf_add_str(buf, CS_STR(" \\\n        '1:COMMAND:(")) ||
               cs_completion_names(NULL, buf) || cs_buf_add_str(buf, CS_STR(")'"));
    return cs_buf_addf(buf, " \\\n        '%s", command->max_operands == 1 ? "1" : "*") ||
           add_argument(buf, command->operands,
                        cs_completion_files(command) ? CS_COMPLETE_FILES : CS_COMPLETE_NOTHING) ||
           cs_buf_add_char(buf, '\'');
}

static int add_arguments(struct cs_buf *buf, const struct cs_command *command)
{
    int r = cs_buf_addf(buf, "    (%s) _arguments -S", cs_completion_word(command));

    for (int i = 0; i < CS_OPT_N && r == 0; i++) {
        if (cs_command_shows(command, i))
            r = add_option(buf, &cs_option_rows()[i]);
    }
    return r || add_operands(buf, command) || cs_buf_add_str(buf, CS_STR(" ;;\n"));
}

/* The names of @group's commands, NULL: of those of none, offered where one can stand. */
static int add_names(struct cs_buf *buf, const struct cs_command *group)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = cs_buf_add_str(buf, CS_STR("    local -a names\n    names=("));

    for (size_t i = 0; i < n && r == 0; i++) {
        if (cs_command_is_of(&commands[i], group))
            r = cs_buf_addf(buf, "\n        '%s:", cs_completion_word(&commands[i])) ||
                add_quoted(buf, commands[i].summary, CS_STR(":\\")) || cs_buf_add_char(buf, '\'');
    }
    return r || cs_buf_add_str(buf, CS_STR(")\n    if (( CURRENT == 2 )); then\n"
                                           "        _describe -t commands command names\n"
                                           "        return\n    fi\n"));
}

/* The function of @group, or of commands of none. Behind a command's name it makes that the first
 * word, as _arguments wants it. */
static int add_function(struct cs_buf *buf, const struct cs_command *group)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = cs_buf_addf(buf, "_countersign%s%s()\n{\n", group ? "_" : "", group ? group->name : "");

    r = r || add_names(buf, group) ||
        cs_buf_add_str(buf, CS_STR("    shift words\n    (( CURRENT-- ))\n"
                                   "    case $words[1] in\n"));
    for (size_t i = 0; i < n && r == 0; i++) {
        if (!cs_command_is_of(&commands[i], group))
            continue;
        if (cs_command_is_group(&commands[i]))
            r = cs_buf_addf(buf, "    (%s) _countersign_%s ;;\n", commands[i].name,
                            commands[i].name);
        else
            r = add_arguments(buf, &commands[i]);
    }
    return r || cs_buf_add_str(buf, CS_STR("    esac\n}\n\n"));
}

int cs_completion_zsh(struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    int r = cs_buf_add_str(buf, CS_STR("#compdef countersign\n"
                                       "# zsh completion for countersign, printed by\n"
                                       "# `countersign help --completion zsh`\n\n"));

    for (size_t i = 0; i < n && r == 0; i++) {
        if (cs_command_is_group(&commands[i]))
            r = add_function(buf, &commands[i]);
    }
    return r || add_function(buf, NULL) ||
           cs_buf_add_str(buf, CS_STR("if [[ $funcstack[1] = _countersign ]]; then\n"
                                      "    _countersign \"$@\"\n"
                                      "else\n"
                                      "    compdef _countersign countersign\n"
                                      "fi\n"));
}

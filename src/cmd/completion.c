/* What the scripts for all shells have in common: the shells, and what an argument can be. */
#include "cmd/completion.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *shell;
    int (*write)(struct cs_buf *buf);
} scripts[] = {
    {"bash", cs_completion_bash},
    {"zsh", cs_completion_zsh},
    {"fish", cs_completion_fish},
};

int cs_completion(struct cs_str shell, struct cs_buf *buf)
{
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (cs_str_eq(shell, cs_str_from(scripts[i].shell)))
            return scripts[i].write(buf) ? -ENOBUFS : 0;
    }
    return -ENOENT;
}

enum cs_complete cs_completion_of(const char *argument)
{
    if (strcmp(argument, "FILE") == 0)
        return CS_COMPLETE_FILES;
    if (strcmp(argument, "DIR") == 0)
        return CS_COMPLETE_FOLDERS;
    return strcmp(argument, "ROLE") == 0 ? CS_COMPLETE_ROLES : CS_COMPLETE_NOTHING;
}

bool cs_completion_files(const struct cs_command *command)
{
    return command->operands && cs_str_search(cs_str_from(command->operands), CS_STR("FILE")) >= 0;
}

const char *cs_completion_word(const struct cs_command *command)
{
    const char *space = strchr(command->name, ' ');

    return space ? space + 1 : command->name;
}

bool cs_completion_commands(const struct cs_command *command)
{
    return command->operands && strcmp(command->operands, "[COMMAND]") == 0;
}

int cs_completion_names(const struct cs_command *group, struct cs_buf *buf)
{
    size_t n;
    const struct cs_command *commands = cs_commands(&n);
    const char *before = "";
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!cs_command_is_of(&commands[i], group))
            continue;
        r = cs_buf_addf(buf, "%s%s", before, cs_completion_word(&commands[i]));
        before = " ";
    }
    return r;
}

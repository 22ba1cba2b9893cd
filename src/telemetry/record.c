/* The words for the stages. */
#include "telemetry/record.h"

static const struct {
    const char *name;
    const char *action;
} stages[] = {
    [CS_STAGE_ACCEPT] = {"accept", "while accepting the connection"},
    [CS_STAGE_HANDSHAKE] = {"handshake", "while SSL handshaking"},
    [CS_STAGE_VERIFY] = {"verify", "while verifying the client certificate"},
    [CS_STAGE_IDENTIFY] = {"identify", "while reading the client's identity"},
    [CS_STAGE_RECEIVE] = {"receive", "while reading client request"},
    [CS_STAGE_AUTHORIZE] = {"authorize", "while authorizing the request"},
    [CS_STAGE_ROUTE] = {"route", "while choosing a location"},
    [CS_STAGE_PROXY] = {"proxy", "while proxying the request"},
    [CS_STAGE_RESPOND] = {"respond", "while sending response to client"},
    [CS_STAGE_RECORD] = {"record", "while logging request"},
    [CS_STAGE_DONE] = {"done", "while closing the connection"},
    [CS_STAGE_OPEN] = {"open", "while the connection was open"},
};

const char *cs_stage_name(enum cs_stage stage)
{
    return stages[stage].name;
}

const char *cs_stage_action(enum cs_stage stage)
{
    return stages[stage].action;
}

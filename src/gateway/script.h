/* Running the rewrite statements of a server or location. */
#ifndef CS_GATEWAY_SCRIPT_H
#define CS_GATEWAY_SCRIPT_H

#include "gateway/request.h"
#include "route/regex.h"
#include "snapshot/model.h"

enum cs_script_result {
    CS_SCRIPT_GO_ON,    /* to the content of request->location, which may have changed */
    CS_SCRIPT_ANSWERED, /* an answer is ready, or the connection is to end */
    CS_SCRIPT_RESTART,  /* the path has changed: find the location again */
};

/** cs_script_run() - run @script on @request. */
enum cs_script_result cs_script_run(struct cs_request *request, const struct cs_script *script);
/** cs_request_capture() - the groups of @captures become $1… and, by their names, variables. They
 *  borrow from the subject that matched, which lives as long as the request. */
void cs_request_capture(struct cs_request *request, const struct cs_captures *captures);

#endif

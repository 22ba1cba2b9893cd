/* The state of the service as JSON: what `countersign status` shows. */
#ifndef CS_DAEMON_STATUS_H
#define CS_DAEMON_STATUS_H

#include "daemon/service.h"

/** cs_status_ask() - ask the workers of @service how they are, and answer @asked with that and all
 *  that the supervisor knows itself. As cs_service_ask(). */
void cs_status_ask(const struct cs_service *service, struct cs_asked *asked);

#endif

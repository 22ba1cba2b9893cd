/* Access log lines. */
#ifndef CS_GATEWAY_ACCESS_LOG_H
#define CS_GATEWAY_ACCESS_LOG_H

struct cs_request;

/** cs_access_log() - write @request to every access log of its location. */
void cs_access_log(struct cs_request *request);

#endif

/* What this program is made of, and which of nginx's modules it stands for. */
#ifndef CS_CMD_VERSION_H
#define CS_CMD_VERSION_H

#include "base/buf.h"

/* The nginx whose directives and behaviour are the measure. */
#define CS_NGINX_VERSION "1.29.0"

/** cs_version_compiler() - "gcc 12.2.0", "clang 14.0.6". Static. */
const char *cs_version_compiler(void);
/** cs_version_modules() - append " --with-http_ssl_module" for each of nginx's optional modules
 *  whose directives work here, and " --without-http_gzip_module" for each of its standard ones
 *  whose directives do not; the schema decides. Return: 0, or -ENOBUFS. */
int cs_version_modules(struct cs_buf *buf);

#endif

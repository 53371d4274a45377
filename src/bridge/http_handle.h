/* http_handle.h: libcurl's handle with what http_call_options say, for http_call.c (which makes it) and http_stream.c.
 *
 * Layer: bridge.
 */
#ifndef QW_BRIDGE_HTTP_HANDLE_H
#define QW_BRIDGE_HTTP_HANDLE_H

#include <curl/curl.h>

#include "bridge/http_call.h"

/* All but timeout_ms. */
CURL *http_handle(const struct http_call_options *options);
/* Of an answer whose head has come. */
void http_handle_reply(CURL *curl, struct http_reply *reply);

#endif

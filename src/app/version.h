/* version.h: what this binary is.       Layer: app. */
#ifndef QW_APP_VERSION_H
#define QW_APP_VERSION_H

const char *version_number(void); /* "0.1.0" */
const char *version_commit(void); /* 12 hex digits, or "unknown" */

#endif

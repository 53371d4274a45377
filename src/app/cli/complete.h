/* complete.h: completes the word before the cursor from keywords, tables, columns and functions.
 *
 * Names come from the server once, and again after a statement may have changed them.  Layer: app. */
#ifndef QW_APP_CLI_COMPLETE_H
#define QW_APP_CLI_COMPLETE_H

#include <histedit.h>
#include <stdbool.h>
#include <stddef.h>

struct completer {
    const char *url;
    char **words;
    size_t count, cap;
    bool fresh;
};

void completer_init(struct completer *c, const char *url);
void completer_deinit(struct completer *c);
void completer_refresh(struct completer *c);
/* Inserts what the candidates share; lists them when nothing more is shared. False: no candidate. */
bool completer_complete(struct completer *c, EditLine *edit);

#endif

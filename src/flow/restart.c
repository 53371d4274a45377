/* restart.c: a job begun again from its last whole tick, as the next start of the server would, and
 * with other settings if need be: what made it fail may be one of them. */
#include "flow/inner.h"

static enum status restart_allowed(const struct job *job, const struct stored *stored,
                                   struct diag *diag)
{
    if (!stored || job->temporary)
        return diag_set(
            diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
            "job '%s' is not of an INSERT: it is begun again by the server's next start",
            job->name);
    if (!job->noted)
        return diag_set(
            diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
            "without a data directory no ticks are kept: drop job '%s' and INSERT again",
            job->name);
    return ST_OK;
}

static enum status settings_join(struct settings *into, const struct settings *changed,
                                 struct diag *diag)
{
    for (struct map_entry *e = changed ? map_first(&changed->values) : NULL; e;
         e = map_next(&changed->values, e))
        TRY(settings_set(into, e->key, bytes_str(e->value), diag));
    return ST_OK;
}

static enum status restart_with(struct job *job, const struct stored *stored,
                                const struct settings *settings, uint64_t *lsn)
{
    struct engine *engine = job->engine;
    TRY(stored_put(engine, 'J', stored->name, stored->text, settings, lsn));
    stored = stored_find(engine, 'J', bytes_str(job->name));
    engine_job_close(job);
    stored_apply(engine, stored, settings);
    engine_wake(engine);
    return ST_OK;
}

enum status job_restart(struct job *job, const struct settings *changed, uint64_t *lsn,
                        struct diag *diag)
{
    const struct stored *stored = stored_find(job->engine, 'J', bytes_str(job->name));
    struct settings settings;
    TRY(restart_allowed(job, stored, diag));
    settings_init(&settings);
    enum status st = ST_OK;
    if (!stored_settings(job->engine, stored, &settings))
        st = diag_set(diag, ST_CORRUPT, DIAG_INTERNAL, "the statement of job '%s' cannot be read",
                      job->name);
    if (st == ST_OK)
        st = settings_join(&settings, changed, diag);
    if (st == ST_OK)
        st = restart_with(job, stored, &settings, lsn);
    settings_deinit(&settings);
    return st;
}

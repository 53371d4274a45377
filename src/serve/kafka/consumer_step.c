/* A member on its way to the target: what it has to give up, what it gets, and whom it waits for. */
#include "serve/kafka/consumer_in.h"

static bool others_have(const struct cgroup *g, const struct cmember *but, const struct part *part)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        if (m != but && (parts_has(&m->assigned, part) || parts_has(&m->revoking, part)))
            return true;
    }
    return false;
}

struct step {
    struct parts assigned, revoking, coming;
    bool waits; /* for what others have */
};

static void step_find(const struct cgroup *g, const struct cmember *m, struct step *step)
{
    *step = (struct step){0};
    for (uint32_t i = 0; i < m->assigned.count; i++) {
        const struct part *p = &m->assigned.at[i];
        parts_push(parts_has(&m->target, p) ? &step->assigned : &step->revoking, p->topic, p->index);
    }
    for (uint32_t i = 0; i < m->target.count; i++) {
        const struct part *p = &m->target.at[i];
        if (parts_has(&m->assigned, p))
            continue;
        if (others_have(g, m, p))
            step->waits = true;
        else
            parts_push(&step->coming, p->topic, p->index);
    }
}

bool cmember_waits(const struct cgroup *g, const struct cmember *m)
{
    for (uint32_t i = 0; i < m->target.count; i++) {
        const struct part *p = &m->target.at[i];
        if (!parts_has(&m->assigned, p) && others_have(g, m, p))
            return true;
    }
    return false;
}

static void member_advance(struct cgroups *gs, struct cgroup *g, struct cmember *m, int32_t epoch,
                           const struct parts *owned)
{
    enum cmember_state state = CMEMBER_UNREVOKED;
    struct step step;

    step_find(g, m, &step);
    if (!step.revoking.count || (owned && !parts_meet(owned, &step.revoking))) {
        for (uint32_t i = 0; i < step.coming.count; i++)
            parts_push(&step.assigned, step.coming.at[i].topic, step.coming.at[i].index);
        parts_sort(&step.assigned);
        parts_free(&step.revoking);
        state = step.waits ? CMEMBER_UNRELEASED : CMEMBER_STABLE;
        epoch = g->target_epoch;
    }
    if (state != m->state || epoch != m->epoch || m->previous_epoch != m->epoch ||
        !parts_equal(&step.assigned, &m->assigned) || !parts_equal(&step.revoking, &m->revoking))
        cgroup_touch(gs, g, m);
    m->previous_epoch = m->epoch;
    m->epoch = epoch;
    m->state = state;
    parts_move(&m->assigned, &step.assigned);
    parts_move(&m->revoking, &step.revoking);
    parts_free(&step.coming);
}

void cmember_reconcile(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                             const struct parts *owned)
{
    int32_t epoch = m->epoch;

    if (m->state == CMEMBER_STABLE && m->epoch == g->target_epoch)
        return;
    if (m->state == CMEMBER_UNREVOKED) {
        if (!owned || parts_meet(owned, &m->revoking))
            return; /* it has not given them up yet */
        epoch++;
    }
    member_advance(gs, g, m, epoch, owned);
    m->due_at_ms = m->state == CMEMBER_UNREVOKED ? now_ms + m->rebalance_ms : INT64_MAX;
    cgroups_wait_until(gs, m->due_at_ms);
}

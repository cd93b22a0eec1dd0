#include "world/live/live_sides.h"

enum error_code live_shell_begin(struct live_world *live, struct error *error)
{
    (void)live;
    (void)error;
    return ERR_OK;
}

void live_shell_end(struct live_world *live)
{
    (void)live;
}

void live_shell_open(struct world *world, struct shell_session *session)
{
    (void)world;
    session->fate = FATE_UNREACHABLE;
    completion_finish(&session->done);
}

void live_shell_run(struct world *world, struct shell_session *session)
{
    (void)world;
    session->fate = FATE_DROPPED;
    completion_finish(&session->done);
}

void live_shell_abandon(struct world *world, struct shell_session *session)
{
    (void)world;
    session->channel = NULL;
}

void live_shell_close(struct world *world, struct shell_session *session)
{
    (void)world;
    (void)session;
}

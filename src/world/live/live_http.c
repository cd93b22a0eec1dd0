#include "world/live/live_sides.h"

enum error_code live_http_open(struct live_world *live, struct error *error)
{
    (void)live;
    (void)error;
    return ERR_OK;
}

void live_http_close(struct live_world *live)
{
    (void)live;
}

void live_http_start(struct world *world, struct http_exchange *exchange)
{
    exchange->ordinal = ++live_of(world)->requests;
    exchange->fate = FATE_UNREACHABLE;
    completion_finish(&exchange->done);
}

void live_http_abandon(struct world *world, struct http_exchange *exchange)
{
    (void)world;
    (void)exchange;
}

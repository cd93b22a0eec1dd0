/*
 * Control front: the API by which a test or a person looks behind the stage and plays fate.
 *
 *     GET    /v1/state, /v1/history, /v1/clock, /v1/faults, /v1/requests[?path=&method=]
 *     POST   /v1/requests/count {"method", "path", "body_contains"}
 *     POST   /v1/clock {"freeze": bool, "advance_s": x, "speed": x}
 *     PUT    /v1/faults/{id} {parameters}           DELETE /v1/faults/{id}
 *     POST   /v1/machines/{id} {"actual_status": text or null} | {"kill": true} | {"return": true} | {"rotate_host_key": true}
 *     POST   /v1/reset
 *
 * Bodies are read strictly. It answers whoever runs on this machine as this user, and no web page: a request that names another
 * host, or comes from another origin, is refused (403).
 */
#ifndef FAKES_FRONT_CONTROL_FRONT_H
#define FAKES_FRONT_CONTROL_FRONT_H

#include "fakes/front/http_front.h"
#include "fakes/front/journal.h"
#include "fakes/front/ssh_front.h"
#include "fakes/front/stage_server.h"

/* Zero-filled but for the first members, which stay. */
struct control_front {
    int64_t port; /* wanted; 0: the kernel's choice */
    struct journal *journal;
    const struct ssh_front *ssh; /* NULL: none */
    /* its own */
    struct stage_service service;
    struct stage_server *stage;
    struct http_handler handler;
    struct http_front *http;
};

/* Makes `service` ready for stage_add_service(). `http` is there once that was done. */
void control_front_init(struct control_front *front);

#endif

/*
 * Stage server: the cloud on the real clock, and what its fronts share.
 *
 * The cloud lives by the clock page: stage time 0 is when the page was made, and everything has an absolute due time in it. What
 * comes due happens in the order of base/event_queue.h and is told its due time, not the moment at which the loop came round to it;
 * the stage's `now` never goes back. So the same scenario gives the same story here and in virtual time, to the loop's jitter.
 *
 * A front (the Vast.ai API, SSH, the control API, ...) is a service: opened once the cloud stands, closed before it goes. In each of
 * its callbacks from the loop it calls stage_catch_up() first, and then acts on the cloud at that moment.
 */
#ifndef FAKES_FRONT_STAGE_SERVER_H
#define FAKES_FRONT_STAGE_SERVER_H

#include "base/event_queue.h"
#include "fakes/cloud/cloud.h"
#include "fakes/stage/cloud_scenario.h"
#include "reactor/reactor.h"

enum { STAGE_API_KEY_SIZE = 65 };

struct stage_server;

/* A front. Zero-filled but for what it wants; embedded in what it belongs to, which outlives the stage. */
struct stage_service {
    const char *name; /* "ssh" */
    /* Listens; what it opened before it failed it closes itself. `ready` of the stage follows when all services are open. */
    enum error_code (*open)(struct stage_service *service, struct stage_server *stage, struct error *error);
    /* Something in the cloud may have changed: a machine came, went, changed its status. NULL: not of interest. */
    void (*changed)(struct stage_service *service);
    /* The cloud is about to be as new (cloud_reset()): ends what is under way with it, goes on listening. NULL: nothing is. */
    void (*reset)(struct stage_service *service);
    /* Ends everything under way. Called for those that were opened, last opened first. */
    void (*close)(struct stage_service *service);
    struct stage_service *next;
};

/* Members are for the fronts to read; the stage's own are marked. */
struct stage_server {
    struct heap *heap;
    struct reactor *reactor;
    struct clock_page *clock;
    struct cloud *cloud;
    struct history *history;
    const struct cloud_scenario *scenario;
    const struct offer_book *offers;
    char api_key[STAGE_API_KEY_SIZE];
    const char *ssh_public_key; /* of the account, one line as in authorized_keys */
    const char *folder;         /* of this run alone, 0700; gone with it */
    /* set by the SSH front while it is open: where new machines are reached, and what it is told of them */
    market_address_function *address;
    cloud_machine_function *machine;
    void *machine_context;
    size_t
        deaf_ports; /* of machines: they refuse for want of an address, a descriptor or a queue, whatever the scenario says */
    /* the stage's own */
    int64_t now_ns;
    struct event_queue events;
    struct reactor_timer alarm;
    int64_t alarm_ns;
    struct stage_service *services; /* opened, last first */
    bool changed;                   /* services are to be told */
    uint64_t requests;              /* begun so far, of all APIs of the cloud */
};

/* What a stage is made of. Borrowed pointers outlive it. */
struct stage_options {
    struct heap *heap;
    struct reactor *reactor;
    struct clock_page *clock;
    struct history *history;
    const struct cloud_scenario *scenario;
    const struct offer_book *offers;
    const char *api_key;
    const char *ssh_public_key;
    const char *folder;
    struct content_store *objects; /* of the object store; NULL: in memory */
};

/* ERR_OK or ERR_NO_MEMORY. Ended with stage_close(). */
MUST_USE enum error_code stage_open(struct stage_server *stage, const struct stage_options *options,
                                    struct error *error);

/* Opens a service; the stage keeps it until stage_close(). */
MUST_USE enum error_code stage_add_service(struct stage_server *stage, struct stage_service *service,
                                           struct error *error);

/* Closes the services, then frees the cloud. Harmless when stage_open() failed. */
void stage_close(struct stage_server *stage);

/* Lets everything happen that is due by now, in order, and returns now. */
int64_t stage_catch_up(struct stage_server *stage);

/* The moment to which the stage has come; within an event: the event's. */
int64_t stage_now_ns(const struct stage_server *stage);

/*
 * Queues `happen(owner)` for a moment of stage time; TIME_NEVER_NS: never, and that is no failure. One that is past happens next
 * time round. False when memory is gone.
 */
MUST_USE bool stage_at(struct stage_server *stage, struct event *event, int64_t due_ns, enum event_class class,
                       void (*happen)(void *owner), void *owner);
void stage_cancel(struct stage_server *stage, struct event *event); /* harmless when it is not queued */

/*
 * The cloud is as new (cloud_reset()); the clock goes on, and so do the numbers of requests. False when memory is gone: then only
 * what was under way has ended.
 */
MUST_USE bool stage_reset(struct stage_server *stage);

/* The cloud was acted on: services are told once the loop comes round. */
void stage_note_change(struct stage_server *stage);

/* To be called before each turn of the reactor: sets its alarm for what is due next. */
void stage_prepare(struct stage_server *stage);

#endif

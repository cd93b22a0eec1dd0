/*
 * Closing statement: what the cloud saw, what is left, and what it cost.
 */
#ifndef FAKES_FRONT_STATEMENT_H
#define FAKES_FRONT_STATEMENT_H

#include "fakes/front/journal.h"
#include "fakes/front/stage_server.h"
#include "fakes/verdict/verdict.h"

/* Machines that exist. */
size_t statement_machines_left(const struct cloud *cloud);

/* For people: a few lines, the machines left with their price per hour last but for the bill, then the verdict (NULL: none). */
void statement_write_text(const struct stage_server *stage, const struct journal *journal,
                          const struct verdict *verdict, struct buffer *out);

/*
 * {"simulated_s": …, "requests": [{"endpoint", "count", "statuses": {"200": n}}],
 *  "machines_left": [{"id", "label", "actual_status", "usd_per_hour"}], "machines_created": n,
 *  "bill": {"charged_usd", "credit_usd"}, "object_store": as statement_write_bucket() writes it,
 *  "ssh_ports_failed": n, "verdict": as verdict_write_json() writes it, left out without one}
 */
void statement_write_json(const struct stage_server *stage, const struct journal *journal,
                          const struct verdict *verdict, struct buffer *out);

/*
 * {"versions", "unfinished", "stored_bytes", "downloaded_bytes", "class_a_calls", "class_b_calls", "class_c_calls", "charged_usd"};
 * hide markers are versions.
 */
void statement_write_bucket(const struct bucket_service *bucket, struct json_writer *writer);

#endif

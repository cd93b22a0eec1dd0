/*
 * Effects: the functions that carry faults out, by subject. Named in the catalogue's rows and nowhere else.
 */
#ifndef FAKES_FAULT_EFFECTS_H
#define FAKES_FAULT_EFFECTS_H

#include "fakes/fault/catalogue.h"

/* http_effects.c: instead of an answer, or of its arrival */
fault_http_function effect_rate_limit;
fault_http_function effect_server_error;
fault_rewrite_function effect_server_error_reply;
fault_http_function effect_create_lost;
fault_rewrite_function effect_create_lost_reply;
fault_http_function effect_offer_taken;
fault_http_function effect_destroy_rejected;
fault_http_function effect_destroy_false_success;

/* body_effects.c: a reply that arrives changed */
fault_rewrite_function effect_null_status;
fault_rewrite_function effect_nullable_fields;
fault_rewrite_function effect_schema_drift;

/* machine_effects.c: a machine's life and its commands */
fault_timeline_function effect_slow_boot;
fault_timeline_function effect_stuck_loading;
fault_timeline_function effect_host_offline;
fault_timeline_function effect_ssh_refused;
fault_timeline_function effect_ssh_banner_stall;
fault_timeline_function effect_ssh_key_not_synced;
fault_command_function effect_ssh_drop;
fault_command_function effect_disk_full;

/* host_effects.c: hosts, what runs on them, and who connects */
fault_timeline_function effect_host_returns;
fault_timeline_function effect_container_start_failed;
fault_concerns_function concerns_named_command;
fault_command_function effect_torn_snapshot;
fault_command_function effect_gpu_lost;
fault_command_function effect_slow_link;
fault_command_function effect_clock_skew;
fault_command_function effect_oom_or_reboot;
fault_command_function effect_banner_noise;
fault_command_function effect_half_open;
fault_connect_function effect_host_key_changed;
fault_connect_function effect_maxstartups;

/* bucket_effects.c: the object store */
fault_bucket_function effect_bucket_busy;
fault_bucket_function effect_empty_snapshot;
fault_bucket_function effect_expired_token;
fault_bucket_function effect_sha1_mismatch;
fault_bucket_rewrite_function effect_sha1_mismatch_reply;
fault_bucket_rewrite_function effect_sha1_odd;
fault_bucket_function effect_partial_snapshot;
fault_bucket_function effect_bad_download;
fault_bucket_rewrite_function effect_wrong_snapshot;
fault_bucket_function effect_cap_exceeded;
fault_bucket_function effect_unfinished_large_file;
fault_bucket_function effect_retry_partial_body;
fault_bucket_function effect_not_found;
fault_bucket_rewrite_function effect_not_found_reply;
fault_bucket_function effect_retention_wrong;

/* store_effects.c: the events store */
fault_store_function effect_missing_table;
fault_store_function effect_store_unavailable;
fault_store_function effect_store_read_only;
fault_store_function effect_store_commit_unknown;
fault_receiver_function effect_webhook_slow;
fault_receiver_function effect_webhook_duplicate;

#endif

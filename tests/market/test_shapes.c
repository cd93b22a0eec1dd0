/* The shape of what the API shows: every member there, of a right type, none more. */
#include "market/rig.h"

/* Types that a member may have: number, boolean, text, array, object, null (z); and whether it may be missing. */
struct shape {
    const char *key;
    const char *types;
    bool optional;
};

/* Members of an offer as captured in August 2026. */
static const struct shape offer_shape[] = {
    {"ask_contract_id", "n", false},
    {"avail_vol_ask_id", "z", false},
    {"avail_vol_dph", "z", false},
    {"avail_vol_size", "z", false},
    {"bundle_id", "n", false},
    {"bundled_results", "z", false},
    {"bw_nvlink", "n", false},
    {"cluster_id", "z", false},
    {"compute_cap", "n", false},
    {"cpu_arch", "t", false},
    {"cpu_cores", "n", false},
    {"cpu_cores_effective", "n", false},
    {"cpu_ghz", "n", false},
    {"cpu_name", "t", false},
    {"cpu_ram", "n", false},
    {"credit_discount_max", "n", false},
    {"cuda_max_good", "n", false},
    {"direct_port_count", "n", false},
    {"discount_rate", "n", false},
    {"discounted_dph_total", "n", false},
    {"discounted_hourly", "n", false},
    {"disk_bw", "n", false},
    {"disk_name", "t", false},
    {"disk_space", "n", false},
    {"dlperf", "n", false},
    {"dlperf_per_dphtotal", "nz", false},
    {"dph_base", "n", false},
    {"dph_total", "n", false},
    {"dph_total_adj", "n", false},
    {"driver_vers", "n", false},
    {"driver_version", "t", false},
    {"duration", "n", false},
    {"end_date", "n", false},
    {"expected_reliability", "n", false},
    {"external", "bz", false},
    {"flops_per_dphtotal", "n", false},
    {"geolocation", "t", false},
    {"geolocode", "n", false},
    {"gpu_arch", "t", false},
    {"gpu_display_active", "b", false},
    {"gpu_frac", "n", false},
    {"gpu_ids", "a", false},
    {"gpu_lanes", "n", false},
    {"gpu_max_power", "n", false},
    {"gpu_max_temp", "n", false},
    {"gpu_mem_bw", "n", false},
    {"gpu_name", "t", false},
    {"gpu_ram", "n", false},
    {"gpu_total_ram", "n", false},
    {"has_avx", "n", false},
    {"host_id", "n", false},
    {"hosting_type", "n", false},
    {"hostname", "z", false},
    {"id", "n", false},
    {"inet_down", "n", false},
    {"inet_down_cost", "n", false},
    {"inet_up", "n", false},
    {"inet_up_cost", "n", false},
    {"instance", "o", false},
    {"internet_down_cost_per_tb", "n", false},
    {"internet_up_cost_per_tb", "n", false},
    {"is_bid", "b", false},
    {"is_vm_deverified", "b", false},
    {"logo", "t", false},
    {"machine_id", "n", false},
    {"min_bid", "n", false},
    {"mobo_name", "t", false},
    {"num_gpus", "n", false},
    {"nw_disk_avg_bw", "z", false},
    {"nw_disk_max_bw", "z", false},
    {"nw_disk_min_bw", "z", false},
    {"os_version", "tz", false},
    {"pci_gen", "n", false},
    {"pcie_bw", "n", false},
    {"public_ipaddr", "tz", false},
    {"reliability", "n", false},
    {"reliability2", "n", false},
    {"reliability_mult", "n", false},
    {"rentable", "b", false},
    {"rented", "b", false},
    {"resource_type", "t", false},
    {"rn", "n", false},
    {"score", "nz", false},
    {"search", "o", false},
    {"start_date", "n", false},
    {"static_ip", "b", false},
    {"storage_cost", "n", false},
    {"storage_total_cost", "n", false},
    {"time_remaining", "t", false},
    {"time_remaining_isbid", "t", false},
    {"total_flops", "n", false},
    {"vericode", "n", false},
    {"verification", "t", false},
    {"vms_enabled", "b", false},
    {"vram_costperhour", "n", false},
    {"webpage", "z", false},
};

/* Members of an instance in all captured states; `ports` is there only while the container is. */
static const struct shape instance_shape[] = {
    {"actual_status", "tz", false},
    {"bundle_id", "n", false},
    {"bw_nvlink", "n", false},
    {"client_run_time", "n", false},
    {"compute_cap", "n", false},
    {"country_code", "t", false},
    {"cpu_arch", "t", false},
    {"cpu_cores", "n", false},
    {"cpu_cores_effective", "n", false},
    {"cpu_name", "t", false},
    {"cpu_ram", "n", false},
    {"cpu_util", "n", false},
    {"credit_balance", "z", false},
    {"credit_discount", "z", false},
    {"credit_discount_max", "n", false},
    {"cuda_max_good", "n", false},
    {"cur_state", "t", false},
    {"direct_port_count", "n", false},
    {"direct_port_end", "n", false},
    {"direct_port_start", "n", false},
    {"disk_bw", "n", false},
    {"disk_name", "t", false},
    {"disk_space", "n", false},
    {"disk_usage", "n", false},
    {"disk_util", "n", false},
    {"dlperf", "n", false},
    {"dlperf_per_dphtotal", "n", false},
    {"dph_base", "n", false},
    {"dph_total", "n", false},
    {"driver_version", "t", false},
    {"duration", "n", false},
    {"end_date", "n", false},
    {"external", "b", false},
    {"extra_env", "a", false},
    {"flops_per_dphtotal", "n", false},
    {"geolocation", "t", false},
    {"geolocode", "n", false},
    {"gpu_arch", "t", false},
    {"gpu_frac", "n", false},
    {"gpu_lanes", "n", false},
    {"gpu_mem_bw", "n", false},
    {"gpu_name", "t", false},
    {"gpu_ram", "n", false},
    {"gpu_temp", "nz", false},
    {"gpu_totalram", "n", false},
    {"gpu_util", "nz", false},
    {"host_id", "n", false},
    {"host_run_time", "n", false},
    {"hosting_type", "n", false},
    {"hostname", "z", false},
    {"id", "n", false},
    {"image_args", "a", false},
    {"image_runtype", "t", false},
    {"image_uuid", "t", false},
    {"inet_down", "n", false},
    {"inet_down_billed", "nz", false},
    {"inet_down_cost", "n", false},
    {"inet_up", "n", false},
    {"inet_up_billed", "nz", false},
    {"inet_up_cost", "n", false},
    {"instance", "o", false},
    {"intended_status", "t", false},
    {"internet_down_cost_per_tb", "n", false},
    {"internet_up_cost_per_tb", "n", false},
    {"is_bid", "b", false},
    {"jupyter_token", "t", false},
    {"label", "t", false},
    {"local_ipaddrs", "tz", false},
    {"logo", "t", false},
    {"machine_dir_ssh_port", "n", false},
    {"machine_id", "n", false},
    {"mem_limit", "nz", false},
    {"mem_usage", "nz", false},
    {"min_bid", "n", false},
    {"mobo_name", "t", false},
    {"next_state", "t", false},
    {"num_gpus", "n", false},
    {"onstart", "t", false},
    {"os_version", "t", false},
    {"pci_gen", "n", false},
    {"pcie_bw", "n", false},
    {"ports", "o", true},
    {"public_ipaddr", "tz", false},
    {"reliability2", "n", false},
    {"rentable", "b", false},
    {"score", "n", false},
    {"search", "o", false},
    {"ssh_host", "t", false},
    {"ssh_idx", "t", false},
    {"ssh_port", "n", false},
    {"start_date", "n", false},
    {"static_ip", "b", false},
    {"status_msg", "tz", false},
    {"storage_cost", "n", false},
    {"storage_total_cost", "n", false},
    {"template_hash_id", "z", false},
    {"template_id", "z", false},
    {"template_name", "z", false},
    {"time_remaining", "t", false},
    {"time_remaining_isbid", "t", false},
    {"total_flops", "n", false},
    {"uptime_mins", "nz", false},
    {"verification", "t", false},
    {"vmem_usage", "nz", false},
    {"volume_info", "a", false},
    {"vram_costperhour", "n", false},
    {"webpage", "z", false},
};

static char type_letter(const cJSON *value)
{
    return cJSON_IsNumber(value)   ? 'n'
           : cJSON_IsBool(value)   ? 'b'
           : cJSON_IsString(value) ? 't'
           : cJSON_IsArray(value)  ? 'a'
           : cJSON_IsObject(value) ? 'o'
                                   : 'z';
}

static void assert_shape(const cJSON *object, const struct shape *shapes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, shapes[i].key);
        if (member == NULL && !shapes[i].optional) {
            fail_msg("there is no %s", shapes[i].key);
        }
        if (member != NULL && strchr(shapes[i].types, type_letter(member)) == NULL) {
            fail_msg("%s is of type %c, not of %s", shapes[i].key, type_letter(member), shapes[i].types);
        }
    }
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        size_t known = 0;
        for (size_t i = 0; i < count; i++) {
            known += strcmp(member->string, shapes[i].key) == 0;
        }
        if (known != 1) {
            fail_msg("%s is not known", member->string);
        }
        for (const cJSON *other = member->next; other != NULL; other = other->next) {
            assert_string_not_equal(member->string, other->string);
        }
    }
}

static void assert_rows_have_shape(const char *body)
{
    struct rig rig;
    rig_start(&rig, 300);
    cJSON *json = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", body, 200);
    const cJSON *offers = rig_member(json, "offers");
    assert_int_equal(cJSON_GetArraySize(offers), 64);
    const cJSON *offer;
    cJSON_ArrayForEach(offer, offers)
    {
        assert_shape(offer, offer_shape, ARRAY_LENGTH(offer_shape));
    }
    cJSON_Delete(json);
    rig_end(&rig);
}

/* A row has the captured members, whether its text was rendered before or for this search. */
static void test_an_offer_has_the_captured_members_and_types(void **state)
{
    (void)state;
    assert_rows_have_shape("{}");
    assert_rows_have_shape("{\"allocated_storage\": 123.5}");
}

/* The text rendered for the book's disk and the text rendered for the asked disk say the same. */
static void test_a_row_rendered_anew_equals_the_one_of_the_book(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 100);
    cJSON *by_market = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", "{\"allocated_storage\": 33}", 200);
    struct offer_book *usual = rig.book;
    struct offer_book_options book = rig_book_options(7);
    book.allocated_disk_mgb = 33000;
    rig.book = offer_book_generate(rig.heap, &book, 100);
    rig_restart(&rig, rig_options(&rig));
    offer_book_free(usual);
    cJSON *by_book = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", "{\"allocated_storage\": 33}", 200);
    assert_true(cJSON_Compare(by_market, by_book, true));
    cJSON_Delete(by_market);
    cJSON_Delete(by_book);
    rig_end(&rig);
}

/* Every status shows the captured members; what only a running container has is missing or null otherwise. */
static void test_an_instance_has_the_captured_members_in_every_status(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    memset(&rig.timeline, 0, sizeof rig.timeline);
    for (int i = 0; i < ACTUAL_COUNT; i++) {
        rig.timeline.statuses[rig.timeline.status_count++] =
            (struct status_step){(i + 1) * NS_PER_S, (enum actual_status)i, NULL};
    }
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    for (int i = 0; i < ACTUAL_COUNT; i++) {
        cJSON *instance = rig_show(&rig, (i + 1) * NS_PER_S, id);
        assert_shape(instance, instance_shape, ARRAY_LENGTH(instance_shape));
        const cJSON *status = rig_member(instance, "actual_status");
        assert_int_equal(actual_status_by_text(cJSON_GetStringValue(status)), i);
        assert_int_equal(cJSON_IsNull(rig_member(instance, "status_msg")), i == ACTUAL_PROVISIONING);
        bool keeps_ports = i == ACTUAL_RUNNING || i == ACTUAL_UNKNOWN || i == ACTUAL_OFFLINE;
        assert_int_equal(cJSON_HasObjectItem(instance, "ports"), keeps_ports);
        assert_int_equal(cJSON_IsNull(rig_member(instance, "uptime_mins")), i < ACTUAL_RUNNING);
        assert_int_equal(cJSON_IsNull(rig_member(instance, "mem_usage")), i < ACTUAL_RUNNING);
        cJSON_Delete(instance);
    }
    rig_end(&rig);
}

/* A machine whose first status is an odd one has a text all the same: null means "no status yet". */
static void test_status_msg_is_null_only_while_the_status_is(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    rig.timeline = (struct machine_timeline){.statuses = {{NS_PER_S, ACTUAL_OFFLINE, NULL}}, .status_count = 1};
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    cJSON *before = rig_show(&rig, 0, id);
    assert_true(cJSON_IsNull(rig_member(before, "status_msg")));
    cJSON_Delete(before);
    cJSON *after = rig_show(&rig, NS_PER_S, id);
    assert_string_equal(rig_text(after, "status_msg"), "");
    cJSON_Delete(after);
    rig_end(&rig);
}

/* The account has the members that clients read. */
static void test_the_account_has_the_captured_members(void **state)
{
    (void)state;
    static const char *const keys[] = {"id",      "username",    "email",   "balance", "balance_threshold",
                                       "can_pay", "has_billing", "ssh_key", "credit"};
    struct rig rig;
    rig_start(&rig, 20);
    cJSON *json = rig_json(&rig, 0, HTTP_GET, "/api/v0/users/current/?owner=me", "", 200);
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        (void)rig_member(json, keys[i]);
    }
    assert_string_equal(rig_text(json, "ssh_key"), "ssh-ed25519 AAAA someone@example");
    cJSON_Delete(json);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_offer_has_the_captured_members_and_types),
        cmocka_unit_test(test_a_row_rendered_anew_equals_the_one_of_the_book),
        cmocka_unit_test(test_an_instance_has_the_captured_members_in_every_status),
        cmocka_unit_test(test_status_msg_is_null_only_while_the_status_is),
        cmocka_unit_test(test_the_account_has_the_captured_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

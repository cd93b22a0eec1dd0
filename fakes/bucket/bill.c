#include "fakes/bucket/bill.h"

#include "fakes/bucket/state.h"

enum { HOURS_A_MONTH = 720, SECONDS_A_DAY = 86400, CALLS_A_PRICE = 10000 };

#define BYTES_PER_TB INT64_C(1000000000000)
#define BYTES_PER_GB INT64_C(1000000000)

void bill_init(struct bucket_service *service)
{
    struct bill *bill = &service->bill;
    *bill = (struct bill){.day = -1, .since_ns = service->now_ns, .allowances = service->options.allowances};
    bill->prices = service->options.prices != NULL ? service->options.prices : bucket_prices_at(service->options.epoch);
}

/* Brings the meter up to the service's present. */
static void integrate(struct bucket_service *service)
{
    struct bill *bill = &service->bill;
    int64_t free_bytes = bill->allowances ? bill->prices->free_stored_bytes : 0;
    exact_quantity spell_ns = service->now_ns - bill->since_ns;
    bill->stored_byte_ns += bill->stored_bytes * spell_ns;
    if (bill->stored_bytes > free_bytes) {
        bill->billable_byte_ns += (bill->stored_bytes - free_bytes) * spell_ns;
    }
    bill->since_ns = service->now_ns;
}

void bill_store(struct bucket_service *service, int64_t bytes)
{
    integrate(service);
    service->bill.stored_bytes += bytes;
}

/* `quantity` at `price` for each `unit`, rounded half up, without overflow on the way. */
static int64_t price_of(exact_quantity quantity, int64_t price, exact_quantity unit)
{
    exact_quantity rest = quantity % unit * price;
    return (int64_t)(quantity / unit * price + (rest + unit / 2) / unit);
}

static void tell(struct bucket_service *service, const char *component, int64_t quantity, int64_t byte_hours,
                 int64_t amount_nusd)
{
    struct bucket_event event = {.kind = BUCKET_BILLED,
                                 .at_ns = service->now_ns,
                                 .state = component,
                                 .size = quantity,
                                 .sha1 = "",
                                 .byte_hours = byte_hours,
                                 .amount_nusd = amount_nusd};
    if (amount_nusd > 0 && service->options.event != NULL) {
        service->options.event(service->options.context, &event);
    }
}

void bill_tell_storage(struct bucket_service *service)
{
    struct bill *bill = &service->bill;
    integrate(service);
    int64_t hour_ns = NS_PER_HOUR;
    exact_quantity month = (exact_quantity)HOURS_A_MONTH * hour_ns;
    int64_t due_nusd = price_of(bill->billable_byte_ns, bill->prices->storage_nusd_per_tb_month, month * BYTES_PER_TB);
    int64_t byte_hours = price_of(bill->billable_byte_ns - bill->byte_ns_told, 1, hour_ns);
    tell(service, "storage", 0, byte_hours, due_nusd - bill->storage_told_nusd);
    bill->storage_told_nusd = due_nusd;
    bill->byte_ns_told = bill->billable_byte_ns;
}

/* Bytes that may be downloaded free of charge until now: a multiple of what was stored on average since the world began. */
static int64_t free_download_bytes(const struct bill *bill)
{
    if (!bill->allowances) {
        return 0;
    }
    exact_quantity average = bill->since_ns > 0 ? bill->stored_byte_ns / bill->since_ns : bill->stored_bytes;
    return (int64_t)(average * bill->prices->free_download_times_stored);
}

void bill_download(struct bucket_service *service, int64_t bytes)
{
    struct bill *bill = &service->bill;
    integrate(service);
    int64_t free_bytes = free_download_bytes(bill) - bill->download_free_bytes;
    free_bytes = free_bytes < 0 ? 0 : free_bytes < bytes ? free_bytes : bytes;
    bill->downloaded_bytes += bytes;
    bill->download_free_bytes += free_bytes;
    int64_t due_nusd =
        price_of(bill->downloaded_bytes - bill->download_free_bytes, bill->prices->download_nusd_per_gb, BYTES_PER_GB);
    tell(service, "download", bytes, 0, due_nusd - bill->download_told_nusd);
    bill->download_told_nusd = due_nusd;
}

void bill_call(struct bucket_service *service, enum bucket_call call)
{
    static const char *const components[] = {"class_a", "class_b", "class_c"};
    struct bill *bill = &service->bill;
    enum bucket_class class = bucket_call_class(call);
    int64_t day = bucket_now_ms(service) / 1000 / SECONDS_A_DAY;
    if (day != bill->day) {
        bill->day = day;
        for (size_t i = 0; i < BUCKET_CLASS_COUNT; i++) {
            bill->calls_today[i] = 0;
        }
    }
    bill->calls[class]++;
    bill->calls_today[class]++;
    if (bill->allowances && bill->calls_today[class] <= bill->prices->free_calls_a_day[class]) {
        return;
    }
    bill->calls_billable[class]++;
    int64_t due_nusd = price_of(bill->calls_billable[class], bill->prices->nusd_per_10000_calls[class], CALLS_A_PRICE);
    tell(service, components[class], 1, 0, due_nusd - bill->calls_told_nusd[class]);
    bill->calls_told_nusd[class] = due_nusd;
}

int64_t bill_charged_nusd(const struct bill *bill)
{
    int64_t charged_nusd = bill->storage_told_nusd + bill->download_told_nusd;
    for (size_t i = 0; i < BUCKET_CLASS_COUNT; i++) {
        charged_nusd += bill->calls_told_nusd[i];
    }
    return charged_nusd;
}

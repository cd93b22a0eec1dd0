#include "fakes/market/offer_machine.h"

#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/random.h"

/* `seen` is how many of the 31 recorded rows had this GPU; prices are the recorded range, or about the one price seen. */
struct gpu_class {
    const char *name;
    int64_t seen;
    int64_t ram_mib;
    int64_t low_nusd, high_nusd; /* for one GPU and hour */
    int64_t compute_cap;
    int64_t tflops_milli, mem_bw_milli, dlperf_milli, power_w;
};

static const struct gpu_class gpu_classes[] = {
    {"RTX 3060", 13, 12288, 29630000, 49630000, 860, 12740, 325100, 12500, 170},
    {"RTX 4060 Ti", 1, 16380, 44000000, 62000000, 890, 22060, 252400, 20100, 165},
    {"RTX 4070S", 2, 12282, 43704000, 71000000, 890, 35480, 440900, 38200, 220},
    {"RTX 4090", 7, 24564, 148889000, 308148000, 890, 82580, 912400, 96400, 450},
    {"RTX 5060 Ti", 1, 16311, 48296000, 69000000, 1200, 23700, 383700, 27600, 180},
    {"RTX 5090", 2, 32607, 156000000, 642220000, 1200, 104800, 1502000, 187300, 575},
    {"RTX A4000", 3, 16376, 42222000, 58000000, 860, 19170, 383900, 22400, 140},
    {"RTX PRO 6000 S", 1, 97887, 473333000, 890000000, 1200, 117300, 1379000, 201500, 600},
    {"A100 PCIE", 1, 40960, 133481000, 420000000, 800, 19490, 1291000, 52800, 250},
    /* not seen that evening, but in other recordings: made only when asked for by name */
    {"RTX 3070", 0, 8192, 28000000, 60000000, 860, 20310, 384500, 17000, 220},
    {"RTX 3080", 0, 10240, 48000000, 120000000, 860, 29770, 647300, 27000, 320},
    {"RTX 3090", 0, 24576, 86000000, 200000000, 860, 35580, 803300, 30500, 350},
    {"RTX A2000", 0, 6138, 31000000, 60000000, 860, 7990, 245700, 8000, 70},
    {"RTX PRO 6000 WS", 0, 97887, 520000000, 950000000, 1200, 117300, 1379000, 201500, 600},
    {"Quadro P2000", 0, 5120, 14000000, 30000000, 610, 3010, 121100, 2500, 75},
};

/* A name that the table lacks gets a machine of this kind. */
static const struct gpu_class other_gpu = {"", 0, 24576, 100000000, 400000000, 890, 40000, 500000, 40000, 300};

static const char *const places[] = {
    "British Columbia, CA", "Quebec, CA", "Ontario, CA", "Florida, US",   "Illinois, US",
    "Oklahoma, US",         "Texas, US",  "Utah, US",    "Wisconsin, US", "Washington, US",
    "Czechia, CZ",          "Italy, IT",  "India, IN",   "Vietnam, VN",   "South Korea, KR",
    "Shaanxi, CN",
};

static const struct {
    int64_t down_milli, up_milli;
} lines[] = {
    {255200, 36000},    {447700, 267400},   {519100, 363700},   {583900, 397100},     {608000, 532800},
    {629800, 575900},   {645800, 596100},   {658600, 648400},   {674900, 733400},     {820500, 770400},
    {835600, 824100},   {904900, 768000},   {920100, 870600},   {935600, 900200},     {1276300, 1381200},
    {2341300, 1898500}, {6064400, 2844600}, {8564300, 2949400}, {30087600, 29812500},
};

static const struct {
    const char *cpu, *mobo;
    int64_t cores, ghz_milli, ram_mib;
} boards[] = {
    {"AMD EPYC 7543 32-Core Processor", "ROMED8-2T", 64, 3700, 257795},
    {"AMD EPYC 7402 24-Core Processor", "H12SSL-i", 48, 3350, 128793},
    {"AMD Ryzen 9 5900X 12-Core Processor", "X570 AORUS ELITE", 24, 4950, 64356},
    {"AMD Ryzen 7 7700X 8-Core Processor", "B650 GAMING PLUS", 16, 5400, 32227},
    {"Xeon E5-2699 v3", "X10DRi", 72, 3600, 64404},
    {"Intel Core i5-12400", "PRO B660M-A", 12, 4400, 32065},
    {"Intel Core i7-13700K", "Z790 UD AC", 24, 5300, 64140},
    {"AMD EPYC 7763 64-Core Processor", "H12DSG-O-CPU", 128, 3500, 257795},
};

static const struct {
    int64_t cuda_milli;
    const char *driver;
} drivers[] = {
    {12200, "535.183.01"}, {12600, "560.35.03"},  {12700, "565.77"},
    {12800, "570.133.20"}, {12800, "570.195.03"}, {13000, "580.95.05"},
};

static const char *const disks[] = {"SAMSUNG MZQL21T9HCJR-00A07", "WD_BLACK SN850X 2000GB", "CT2000P3PSSD8",
                                    "KINGSTON SNV2S1000G"};
static const int64_t disk_sizes_mgb[] = {128000, 164000, 176000, 226830,  302000,  363000,
                                         567000, 644000, 698000, 1518000, 1568250, 1646100};
static const char *const networks[] = {"192.0.2", "198.51.100", "203.0.113"}; /* set aside for documentation */

/* Numbered for ever, like the purposes of base/random.h: a changed number changes every market. */
enum machine_draw_index {
    DRAW_GPU,
    DRAW_GPU_COUNT,
    DRAW_PRICE,
    DRAW_PRICE_LOW,
    DRAW_PLACE,
    DRAW_LINE,
    DRAW_BOARD,
    DRAW_DRIVER,
    DRAW_DISK,
    DRAW_DISK_SIZE,
    DRAW_RELIABILITY,
    DRAW_RELIABILITY_HIGH,
    DRAW_VERIFIED,
    DRAW_STATIC,
    DRAW_PORTS,
    DRAW_MACHINE,
    DRAW_HOST,
    DRAW_BUNDLE,
    DRAW_DATACENTER,
    DRAW_RENTABLE,
    DRAW_DURATION,
    DRAW_STARTED,
    DRAW_DISK_SPEED,
};

int64_t machine_draw_between(struct machine_draw draw, uint32_t index, int64_t low, int64_t high)
{
    struct random_address address = {.purpose = RANDOM_OFFERS, .entity = draw.entity, .index = index};
    return random_between(draw.seed, address, low, high);
}

static size_t pick(struct machine_draw draw, uint32_t index, size_t count)
{
    return (size_t)machine_draw_between(draw, index, 0, (int64_t)count - 1);
}

static bool chance(struct machine_draw draw, uint32_t index, int64_t percent)
{
    return machine_draw_between(draw, index, 1, 100) <= percent;
}

static const struct gpu_class *class_of(struct machine_draw draw, const char *name)
{
    int64_t seen = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(gpu_classes); i++) {
        if (strcmp(name, gpu_classes[i].name) == 0) {
            return &gpu_classes[i];
        }
        seen += gpu_classes[i].seen;
    }
    if (*name != '\0') {
        return &other_gpu;
    }
    int64_t drawn = machine_draw_between(draw, DRAW_GPU, 1, seen);
    size_t at = 0;
    while (drawn > gpu_classes[at].seen) {
        drawn -= gpu_classes[at].seen;
        at++;
    }
    return &gpu_classes[at];
}

static void draw_gpus(struct machine_draw draw, const struct gpu_class *gpu, struct offer *offer)
{
    static const int64_t counts[] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 4, 8};
    if (*offer->gpu_name == '\0') {
        text_copy(offer->gpu_name, sizeof offer->gpu_name, gpu->name);
    }
    offer->num_gpus = counts[pick(draw, DRAW_GPU_COUNT, ARRAY_LENGTH(counts))];
    offer->gpu_ram_mib = gpu->ram_mib;
    offer->gpu_frac_millionths = 1000000;
    offer->gpu_lanes = 16;
    offer->gpu_max_power_w = gpu->power_w;
    offer->gpu_max_temp_c = 88;
    offer->gpu_mem_bw_milli = gpu->mem_bw_milli;
    offer->pci_gen_milli = 4000;
    offer->pcie_bw_milli = 25100;
    offer->compute_cap = gpu->compute_cap;
    offer->total_tflops_milli = gpu->tflops_milli * offer->num_gpus;
    offer->dlperf_milli = gpu->dlperf_milli * offer->num_gpus;
    size_t driver = pick(draw, DRAW_DRIVER, ARRAY_LENGTH(drivers));
    offer->cuda_max_good_milli = drivers[driver].cuda_milli;
    text_copy(offer->driver_version, sizeof offer->driver_version, drivers[driver].driver);
}

static void draw_board(struct machine_draw draw, struct offer *offer)
{
    size_t board = pick(draw, DRAW_BOARD, ARRAY_LENGTH(boards));
    text_copy(offer->cpu_name, sizeof offer->cpu_name, boards[board].cpu);
    text_copy(offer->mobo_name, sizeof offer->mobo_name, boards[board].mobo);
    text_copy(offer->os_version, sizeof offer->os_version, "22.04");
    offer->cpu_cores = boards[board].cores;
    offer->cpu_cores_effective_milli = boards[board].cores * 1000;
    offer->cpu_ghz_milli = boards[board].ghz_milli;
    offer->cpu_ram_mib = boards[board].ram_mib;
    offer->has_avx = 1;
    text_copy(offer->disk_name, sizeof offer->disk_name, disks[pick(draw, DRAW_DISK, ARRAY_LENGTH(disks))]);
    offer->disk_space_mgb = disk_sizes_mgb[pick(draw, DRAW_DISK_SIZE, ARRAY_LENGTH(disk_sizes_mgb))];
    offer->disk_bw_milli = machine_draw_between(draw, DRAW_DISK_SPEED, 5000, 62000) * 100;
}

static void draw_network(struct machine_draw draw, struct offer *offer)
{
    enum { HOSTS_PER_NETWORK = 254 };
    size_t line = pick(draw, DRAW_LINE, ARRAY_LENGTH(lines));
    offer->inet_down_milli = lines[line].down_milli;
    offer->inet_up_milli = lines[line].up_milli;
    offer->inet_down_cost_nusd = 2666700;
    offer->inet_up_cost_nusd = 4000000;
    offer->direct_port_count = machine_draw_between(draw, DRAW_PORTS, 1, 250);
    offer->static_ip = chance(draw, DRAW_STATIC, 50);
    uint32_t network = draw.entity / HOSTS_PER_NETWORK % ARRAY_LENGTH(networks);
    text_format(offer->public_ipaddr, sizeof offer->public_ipaddr, "%s.%u", networks[network],
                draw.entity % HOSTS_PER_NETWORK + 1);
    text_copy(offer->geolocation, sizeof offer->geolocation, places[pick(draw, DRAW_PLACE, ARRAY_LENGTH(places))]);
}

static void draw_trust(struct machine_draw draw, struct wall_time listed_at, struct offer *offer)
{
    /* The better of two draws: most recorded machines lie near the top of the recorded range. */
    int64_t first = machine_draw_between(draw, DRAW_RELIABILITY, 977397, 998289);
    int64_t second = machine_draw_between(draw, DRAW_RELIABILITY_HIGH, 977397, 998289);
    offer->reliability_millionths = first > second ? first : second;
    text_copy(offer->verification, sizeof offer->verification,
              chance(draw, DRAW_VERIFIED, 70) ? "verified" : "unverified");
    offer->hosting_type = chance(draw, DRAW_DATACENTER, 20);
    offer->rentable = chance(draw, DRAW_RENTABLE, 97);
    int64_t now_s = listed_at.unix_ns / NS_PER_S;
    offer->duration_s = machine_draw_between(draw, DRAW_DURATION, 3, 90) * 86400;
    offer->end_date_s = now_s + offer->duration_s;
    offer->start_date_s = now_s - machine_draw_between(draw, DRAW_STARTED, 5, 400) * 86400;
    offer->rank = 1;
}

void machine_draw_offer(struct machine_draw draw, struct wall_time listed_at, struct offer *offer)
{
    const struct gpu_class *gpu = class_of(draw, offer->gpu_name);
    draw_gpus(draw, gpu, offer);
    draw_board(draw, offer);
    draw_network(draw, offer);
    draw_trust(draw, listed_at, offer);
    /* The cheaper of two draws: lists are long at their cheap end. */
    int64_t first = machine_draw_between(draw, DRAW_PRICE, gpu->low_nusd / 1000, gpu->high_nusd / 1000);
    int64_t second = machine_draw_between(draw, DRAW_PRICE_LOW, gpu->low_nusd / 1000, gpu->high_nusd / 1000);
    offer->dph_base_nusd = (first < second ? first : second) * 1000 * offer->num_gpus;
    offer->min_bid_nusd = offer->dph_base_nusd / 2;
    offer->storage_cost_nusd = DEFAULT_STORAGE_COST_NUSD;
    offer->machine_id = machine_draw_between(draw, DRAW_MACHINE, 10, 19) * 10000 + (int64_t)draw.entity;
    offer->host_id = machine_draw_between(draw, DRAW_HOST, 1000, 199999);
    offer->bundle_id = machine_draw_between(draw, DRAW_BUNDLE, 1000000000, 1009999999);
}

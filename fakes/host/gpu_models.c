#include "fakes/host/gpu_models.h"

#include <stddef.h>
#include <string.h>

#include "base/attributes.h"

/* name at Vast.ai, name by nvidia-smi, MiB, compute capability x 10, W, MHz graphics, MHz memory, fan, ECC */
static const struct gpu_model models[] = {
    {"A10", "NVIDIA A10", 23028, 86, 150, 1695, 6251, false, true},
    {"A100 PCIE", "NVIDIA A100-PCIE-40GB", 40960, 80, 250, 1410, 1215, false, true},
    {"A100 SXM4", "NVIDIA A100-SXM4-80GB", 81920, 80, 400, 1410, 1593, false, true},
    {"A40", "NVIDIA A40", 46068, 86, 300, 1740, 7251, false, true},
    {"B200", "NVIDIA B200", 183359, 100, 1000, 1965, 3996, false, true},
    {"GTX 1080 Ti", "NVIDIA GeForce GTX 1080 Ti", 11264, 61, 250, 1911, 5505, true, false},
    {"H100 NVL", "NVIDIA H100 NVL", 95830, 90, 400, 1785, 2619, false, true},
    {"H100 PCIE", "NVIDIA H100 PCIe", 81559, 90, 350, 1755, 1593, false, true},
    {"H100 SXM", "NVIDIA H100 80GB HBM3", 81559, 90, 700, 1980, 2619, false, true},
    {"H200", "NVIDIA H200", 143771, 90, 700, 1980, 3201, false, true},
    {"L4", "NVIDIA L4", 23034, 89, 72, 2040, 6251, false, true},
    {"L40", "NVIDIA L40", 46068, 89, 300, 2490, 9001, false, true},
    {"L40S", "NVIDIA L40S", 46068, 89, 350, 2520, 9001, false, true},
    {"Quadro P2000", "Quadro P2000", 5120, 61, 75, 1721, 3504, true, false},
    {"RTX 2080 Ti", "NVIDIA GeForce RTX 2080 Ti", 11264, 75, 250, 2100, 7000, true, false},
    {"RTX 3060", "NVIDIA GeForce RTX 3060", 12288, 86, 170, 2100, 7501, true, false},
    {"RTX 3060 Ti", "NVIDIA GeForce RTX 3060 Ti", 8192, 86, 200, 2100, 7001, true, false},
    {"RTX 3070", "NVIDIA GeForce RTX 3070", 8192, 86, 220, 2100, 7001, true, false},
    {"RTX 3080", "NVIDIA GeForce RTX 3080", 10240, 86, 320, 2100, 9501, true, false},
    {"RTX 3080 Ti", "NVIDIA GeForce RTX 3080 Ti", 12288, 86, 350, 2100, 9501, true, false},
    {"RTX 3090", "NVIDIA GeForce RTX 3090", 24576, 86, 350, 2100, 9751, true, false},
    {"RTX 3090 Ti", "NVIDIA GeForce RTX 3090 Ti", 24564, 86, 450, 2100, 10501, true, false},
    {"RTX 4060", "NVIDIA GeForce RTX 4060", 8188, 89, 115, 3105, 8501, true, false},
    {"RTX 4060 Ti", "NVIDIA GeForce RTX 4060 Ti", 16380, 89, 165, 3105, 9001, true, false},
    {"RTX 4070", "NVIDIA GeForce RTX 4070", 12282, 89, 200, 3105, 10501, true, false},
    {"RTX 4070 Ti", "NVIDIA GeForce RTX 4070 Ti", 12282, 89, 285, 3105, 10501, true, false},
    {"RTX 4070S", "NVIDIA GeForce RTX 4070 SUPER", 12282, 89, 220, 3105, 10501, true, false},
    {"RTX 4080", "NVIDIA GeForce RTX 4080", 16376, 89, 320, 3105, 11201, true, false},
    {"RTX 4080S", "NVIDIA GeForce RTX 4080 SUPER", 16376, 89, 320, 3105, 11501, true, false},
    {"RTX 4090", "NVIDIA GeForce RTX 4090", 24564, 89, 450, 3105, 10501, true, false},
    {"RTX 5060 Ti", "NVIDIA GeForce RTX 5060 Ti", 16311, 120, 180, 3090, 14001, true, false},
    {"RTX 5070", "NVIDIA GeForce RTX 5070", 12227, 120, 250, 3090, 14001, true, false},
    {"RTX 5070 Ti", "NVIDIA GeForce RTX 5070 Ti", 16303, 120, 300, 3090, 14001, true, false},
    {"RTX 5080", "NVIDIA GeForce RTX 5080", 16303, 120, 360, 3090, 15001, true, false},
    {"RTX 5090", "NVIDIA GeForce RTX 5090", 32607, 120, 575, 3090, 14001, true, false},
    {"RTX 6000Ada", "NVIDIA RTX 6000 Ada Generation", 49140, 89, 300, 3105, 10001, true, false},
    {"RTX A2000", "NVIDIA RTX A2000 12GB", 12282, 86, 70, 2100, 6001, true, false},
    {"RTX A4000", "NVIDIA RTX A4000", 16376, 86, 140, 2100, 7001, true, false},
    {"RTX A5000", "NVIDIA RTX A5000", 24564, 86, 230, 2100, 8001, true, false},
    {"RTX A6000", "NVIDIA RTX A6000", 49140, 86, 300, 2100, 8001, true, false},
    {"RTX PRO 6000 S", "NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, 120, 600, 2430, 12481, false, true},
    {"RTX PRO 6000 WS", "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 97887, 120, 600, 3090, 14001, true, false},
    {"Tesla T4", "Tesla T4", 15360, 75, 70, 1590, 5001, false, true},
    {"Tesla V100", "Tesla V100-SXM2-16GB", 16384, 70, 300, 1530, 877, false, true},
};

const struct gpu_model *gpu_model_find(const char *vast_name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(models); i++) {
        if (strcmp(vast_name, models[i].vast_name) == 0) {
            return &models[i];
        }
    }
    return NULL;
}

const struct gpu_model *gpu_model_or_default(const char *vast_name)
{
    static const struct gpu_model middling = {NULL, NULL, 16384, 86, 250, 1800, 7001, true, false};
    const struct gpu_model *found = gpu_model_find(vast_name);
    return found != NULL ? found : &middling;
}

const struct gpu_model *gpu_model_at(int32_t i)
{
    return i >= 0 && (size_t)i < ARRAY_LENGTH(models) ? &models[i] : NULL;
}

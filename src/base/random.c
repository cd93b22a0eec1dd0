#include "base/random.h"

__extension__ typedef unsigned __int128 wide_unsigned;

void philox4x32_10(uint32_t counter[4], const uint32_t key[2])
{
    uint32_t key0 = key[0];
    uint32_t key1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = UINT64_C(0xD2511F53) * counter[0];
        uint64_t product1 = UINT64_C(0xCD9E8D57) * counter[2];
        uint32_t next0 = (uint32_t)(product1 >> 32) ^ counter[1] ^ key0;
        uint32_t next2 = (uint32_t)(product0 >> 32) ^ counter[3] ^ key1;
        counter[0] = next0;
        counter[1] = (uint32_t)product1;
        counter[2] = next2;
        counter[3] = (uint32_t)product0;
        key0 += UINT32_C(0x9E3779B9);
        key1 += UINT32_C(0xBB67AE85);
    }
}

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: the output function. */
static uint64_t splitmix64(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

uint64_t random_bits(uint64_t seed, struct random_address address)
{
    uint64_t mixed = splitmix64(seed);
    uint32_t key[2] = {(uint32_t)mixed, (uint32_t)(mixed >> 32)};
    uint32_t counter[4] = {address.run, address.purpose, address.entity, address.index};
    philox4x32_10(counter, key);
    return (uint64_t)counter[1] << 32 | counter[0];
}

uint64_t random_below(uint64_t seed, struct random_address address, uint64_t bound)
{
    wide_unsigned product = (wide_unsigned)random_bits(seed, address) * bound;
    return (uint64_t)(product >> 64);
}

int64_t random_between(uint64_t seed, struct random_address address, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)high - (uint64_t)low + 1;
    uint64_t offset = width == 0 ? random_bits(seed, address) : random_below(seed, address, width);
    return (int64_t)((uint64_t)low + offset);
}

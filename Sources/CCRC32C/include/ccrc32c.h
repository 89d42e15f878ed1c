#ifndef GODWIT_CCRC32C_H
#define GODWIT_CCRC32C_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `length` bytes, continued from `crc` (0 for a new one).
///
/// In C because the checksum of every produced batch is verified, and Swift without optimization would make the
/// debug builds of all tests wait for it. Uses the processor's instruction where there is one.
uint32_t godwit_crc32c(uint32_t crc, const void *data, size_t length);

#endif

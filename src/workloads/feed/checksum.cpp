#include "workloads/feed/checksum.hpp"

#ifdef __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace pipelab::feed::detail {

#ifdef __x86_64__
bool cpu_has_crc() noexcept { return static_cast<bool>(__builtin_cpu_supports("sse4.2")); }
#elif defined(__aarch64__)
bool cpu_has_crc() noexcept { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#endif

}  // namespace pipelab::feed::detail

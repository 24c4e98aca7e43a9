#pragma once

// ck_ring.h is C: one of its functions returns `false` as a pointer. Redefining that is worth a
// warning, which a system header is spared.
#pragma GCC system_header
#define false 0
#include <ck_ring.h>
#undef false

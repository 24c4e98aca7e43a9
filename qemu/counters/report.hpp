#pragma once

#include <cstdio>
#include <string_view>

#include "caches.hpp"
#include "options.hpp"
#include "profile.hpp"
#include "regions.hpp"

namespace counters {

/// Writes what was counted as one JSON object. `caches` and `profile` may be null. With `open`, the
/// guest ended in a marked region.
void write_report(std::FILE* file, const Options& options, std::string_view target,
                  const Regions& regions, bool open, const Caches* caches, const Profile* profile);

}  // namespace counters

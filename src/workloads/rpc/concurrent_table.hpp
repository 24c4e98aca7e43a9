#pragma once

#include <oneapi/tbb/concurrent_hash_map.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "workloads/rpc/correlation.hpp"

namespace pipelab::rpc {

/// oneTBB's hash table, which has a lock for each of its elements and buckets. Ids are given one
/// after the other, so that those that have been open for longest are known without a look at all
/// of the table, which must not be read while another thread adds to it.
class ConcurrentTable {
 public:
  explicit ConcurrentTable(std::size_t window) : requests_(2 * window) {}

  std::int64_t add(const Pending& pending) {
    // Relaxed: this thread alone writes it.
    const std::int64_t id = next_.load(std::memory_order_relaxed);
    requests_.emplace(id, pending);
    next_.store(id + 1, std::memory_order_release);  // once it can be found
    return id;
  }

  Match take(std::int64_t id, Pending& pending) {
    Table::accessor found;
    if (!requests_.find(found, id)) {
      const bool was_given = id >= kFirstId && id < next_.load(std::memory_order_acquire);
      return was_given ? Match::kLate : Match::kUnknown;
    }
    pending = found->second;
    requests_.erase(found);
    oldest_ += id == oldest_ ? 1 : 0;
    return Match::kFound;
  }

  template <class Expired>
  void expire(platform::Nanoseconds before_ns, Expired expired) {
    for (const std::int64_t end = next_.load(std::memory_order_acquire); oldest_ < end; ++oldest_) {
      Table::accessor found;
      if (!requests_.find(found, oldest_)) {
        continue;
      }
      if (found->second.sent_ns >= before_ns) {
        return;
      }
      const Pending pending = found->second;
      requests_.erase(found);
      expired(pending);
    }
  }

 private:
  using Table = oneapi::tbb::concurrent_hash_map<
      std::int64_t, Pending, oneapi::tbb::tbb_hash_compare<std::int64_t>,
      std::allocator<std::pair<const std::int64_t, Pending>>>;  // or it would need oneTBB's library

  Table requests_;
  std::atomic<std::int64_t> next_{kFirstId};
  alignas(platform::kDestructiveInterference) std::int64_t oldest_{kFirstId};  // the receiver's
};

}  // namespace pipelab::rpc

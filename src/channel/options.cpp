#include "channel/options.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace pipelab::channel {

void add_options(cli::Options& all, Options& options) {
  all.add_number<std::size_t>("--item-bytes", options.item_bytes, 0, std::size_t{1} << 20U,
                              "payload that travels with each item, a multiple of 8",
                              {.unit = "bytes"});
  all.add_flag("--zero-copy", options.zero_copy,
               "write and read the payload in the queue's own memory");
  all.add_choice<Queue>("--queue", options.queue,
                        {{"spsc", Queue::kSpsc, "a wait-free ring"},
                         {"mutex", Queue::kMutex, "a mutex and condition variables"}},
                        "what joins the threads");
  all.add_number<std::size_t>("--queue-cap", options.queue_cap, 1, std::size_t{1} << 24U,
                              "items that the queue holds", {.means = "capacity"});
  all.add_number<std::size_t>("--batch", options.batch, 1, std::size_t{1} << 24U,
                              "items that one side tells the other of at once");
  all.add_choice<OnFull>("--on-full", options.on_full,
                         {{"drop", OnFull::kDrop, "the new item"},
                          {"block", OnFull::kBlock, "until there is room"},
                          {"overwrite", OnFull::kOverwrite, "the oldest item"}},
                         "what a full queue does");
  all.add_choice<Wait>("--wait", options.wait,
                       {{"spin", Wait::kSpin, "stay on the CPU"},
                        {"yield", Wait::kYield, "let others run"},
                        {"futex", Wait::kFutex, "sleep; with a mutex in its condition variables"},
                        {"hybrid", Wait::kHybrid, "spin as long as that was enough, then sleep"}},
                       "how a thread waits for the other", {.means = "waiting"});
  all.add_node("--numa-node", options.numa_node, "NUMA node that the queue's memory comes from");
}

std::string conflict(const Options& options) {
  if (options.batch > options.queue_cap) {
    return fmt::format(
        "--batch: '{}' is more than the {} items that --queue-cap lets the queue hold: "
        "give at most that",
        options.batch, options.queue_cap);
  }
  if (options.batch > 1 &&
      (options.on_full == OnFull::kOverwrite || options.queue == Queue::kMutex)) {
    return "--batch: works with --queue spsc and --on-full drop or block only";
  }
  if (options.item_bytes % sizeof(std::uint64_t) != 0) {
    return fmt::format("--item-bytes: '{}' is not valid: give a multiple of 8", options.item_bytes);
  }
  if (options.zero_copy && options.item_bytes == 0) {
    return "--zero-copy: there is nothing to copy: give --item-bytes as well";
  }
  return {};
}

double memory_bytes(const Options& options) {
  constexpr std::size_t kSlotBytes = 40;  // the largest of the queues'
  constexpr std::size_t kCacheLineBytes = 64;
  const auto slots = static_cast<double>(options.queue_cap + 2);
  const std::size_t lines = (options.item_bytes + kCacheLineBytes - 1) / kCacheLineBytes;
  return slots * static_cast<double>(kSlotBytes + lines * kCacheLineBytes);
}

}  // namespace pipelab::channel

#pragma once

#include <stdexcept>
#include <type_traits>

#include "channel/link.hpp"
#include "channel/options.hpp"
#include "platform/memory.hpp"

namespace pipelab::channel {

/// Calls `use` with the link that `options` describe, as its type, so that the loops over it are
/// compiled for each; returns what `use` does.
template <class Item, Wait kWait, class Use>
auto with_link(const Options& options, Use use) {
  platform::NodeMemory memory(options.numa_node);
  const auto with = [&]<Link L>(std::type_identity<L> /*type*/) {
    L link(options, &memory);
    return use(link);
  };
  if (options.queue == Queue::kMutex) {
    return with(std::type_identity<MutexLink<Item, kWait>>{});
  }
  if (options.on_full == OnFull::kOverwrite) {
    return with(std::type_identity<OverwriteLink<Item, kWait>>{});
  }
  if (options.batch > 1) {
    return with(std::type_identity<RingLink<Item, kWait, queue::Batched>>{});
  }
  return with(std::type_identity<RingLink<Item, kWait, queue::Eager>>{});
}

template <class Item, class Use>
auto with_link(const Options& options, Use use) {
  switch (options.wait) {
    case Wait::kSpin:
      return with_link<Item, Wait::kSpin>(options, use);
    case Wait::kYield:
      return with_link<Item, Wait::kYield>(options, use);
    case Wait::kFutex:
      return with_link<Item, Wait::kFutex>(options, use);
    case Wait::kHybrid:
      return with_link<Item, Wait::kHybrid>(options, use);
  }
  throw std::logic_error("an unknown way to wait");
}

}  // namespace pipelab::channel

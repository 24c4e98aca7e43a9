// The real ring, and the specimen whose sides share a line, each with its producer on CPU 0 and its
// consumer on CPU 1.

#include "known.hpp"
#include "queue/spsc_ring.hpp"
#include "unpadded_ring.hpp"

namespace {

using pipelab::platform::spin_hint;
using Item = std::uint64_t;

constexpr Item kItems = 5000;
constexpr std::size_t kCapacity = 64;
constexpr std::size_t kLongCapacity = 1024;  // short rings share lines on purpose (EagerSlots)

UnpaddedRing<Item, kCapacity> unpadded_ring;
pipelab::queue::SpscRing<Item> padded_ring(kLongCapacity);
std::uint64_t sum = 0;

/// After each item the other CPU gets turns, so that the two run side by side in exact timing, too.
/// It gets several, so that a consumer that was interrupted comes up again, and looks for items in
/// other lines than those that are written.
template <class Ring>
void produce(Ring& ring) {
  for (Item item = 1; item <= kItems; ++item) {
    while (!ring.try_push(item)) {
      spin_hint();
    }
    for (int turn = 0; turn < 3; ++turn) {
      spin_hint();
    }
  }
}

template <class Ring>
void consume(Ring& ring) {
  std::uint64_t total = 0;
  for (Item count = 0; count < kItems; ++count) {
    Item item = 0;
    while (!ring.try_pop(item)) {
      spin_hint();
    }
    total += item;
    spin_hint();
  }
  sum += total;
}

}  // namespace

bool pass_through_rings() {
  run_side_by_side<kUnpaddedRing>([] { produce(unpadded_ring); }, [] { consume(unpadded_ring); });
  run_side_by_side<kPaddedRing>(
      [] {
        auto producer = padded_ring.producer();
        produce(producer);
      },
      [] {
        auto consumer = padded_ring.consumer();
        consume(consumer);
      });
  return sum == kItems * (kItems + 1);
}

#include <atomic>
#include <memory_resource>
#include <string_view>

#include "bench/cell.hpp"
#include "bench/queues.hpp"
#include "bench/round_trip.hpp"
#include "workloads/exchange/dialogue.hpp"
#include "workloads/exchange/queues_connection.hpp"
#include "workloads/exchange/slot_connection.hpp"

namespace pipelab::bench {
namespace {

template <class Connection>
constexpr std::string_view kNameOf = "two queues";
template <>
constexpr std::string_view
    kNameOf<exchange::SlotConnection<exchange::LinesSlot, threads::ElidedBell>> = "lines slot";
template <>
constexpr std::string_view
    kNameOf<exchange::SlotConnection<exchange::SplitSlot, threads::ElidedBell>> = "split slot";
template <>
constexpr std::string_view
    kNameOf<exchange::SlotConnection<exchange::ClaimedSlot, threads::ElidedBell>> = "claimed slot";

/// A connection of the workload exchange, as round_trip() has lines of communication. Both sides
/// spin, with a hint.
template <class Connection, std::size_t kBytes>
class Call {
  using Talk = exchange::Dialogue<typename Connection::End>;

 public:
  static constexpr std::string_view kName = kNameOf<Connection>;

  class Asker {
   public:
    explicit Asker(Talk talk) : talk_(std::move(talk)) {}
    std::uint64_t ask(std::uint64_t number, bool /*hint*/) {
      talk_.call(number);  // throws when the reply is another
      return 0;
    }

   private:
    Talk talk_;
  };

  class Answerer {
   public:
    explicit Answerer(Talk talk) : talk_(std::move(talk)) {}
    void answer(std::uint64_t /*number*/, bool /*hint*/) {
      talk_.wait_for_call();
      talk_.answer();
    }

   private:
    Talk talk_;
  };

  Asker asker() { return Asker(talk(exchange::Side::kCaller)); }
  Answerer answerer() { return Answerer(talk(exchange::Side::kResponder)); }
  std::size_t warm() noexcept { return 0; }

 private:
  Talk talk(exchange::Side side) {
    return Talk(typename Connection::End(connection_, side, gone_), options_, 0);
  }

  static exchange::Options spinning() {
    exchange::Options options;
    options.payload_bytes = kBytes;
    options.wait = exchange::Wait::kSpin;
    return options;
  }

  exchange::Options options_ = spinning();
  std::atomic<bool> gone_{false};
  std::pmr::monotonic_buffer_resource memory_;
  Connection connection_{options_, memory_};
};

template <class Line>
Measurement measure(const CpuPair& cpus, bool hint) {
  return round_trip<Line>(cpus, hint, kRoundTripTimes);
}

template <std::size_t kBytes>
void add(std::vector<Cell>& cells) {
  using namespace exchange;
  const auto cell = [&]<class Line>(std::type_identity<Line> /*type*/) {
    cells.push_back({.work = "call",
                     .contender = Line::kName,
                     .mode = "single",
                     .batch = 1,
                     .item_bytes = kBytes,
                     .capacity = 0,
                     .hint = true,
                     .measure = measure<Line>});
  };
  cell(std::type_identity<RawLine>{});
  cell(std::type_identity<Call<SlotConnection<LinesSlot, threads::ElidedBell>, kBytes>>{});
  cell(std::type_identity<Call<SlotConnection<SplitSlot, threads::ElidedBell>, kBytes>>{});
  cell(std::type_identity<Call<SlotConnection<ClaimedSlot, threads::ElidedBell>, kBytes>>{});
  cell(std::type_identity<Call<QueuesConnection, kBytes>>{});
}

}  // namespace

void add_calls(std::vector<Cell>& cells) {
  constexpr std::size_t kOneLine = 56;
  constexpr std::size_t kTwoLines = 64;
  add<kOneLine>(cells);
  add<kTwoLines>(cells);
}

}  // namespace pipelab::bench

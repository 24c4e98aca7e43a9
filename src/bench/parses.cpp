#include <rapidjson/document.h>
#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/cell.hpp"
#include "bench/run_delay.hpp"
#include "platform/clock.hpp"
#include "workloads/rpc/body.hpp"
#include "workloads/rpc/correlation.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/message.hpp"
#include "workloads/rpc/rapidjson_parser.hpp"
#include "workloads/rpc/simdjson_parser.hpp"
#include "workloads/rpc/stamps.hpp"

// What it costs one thread to read a JSON-RPC request: the parsers of the workload rpc, which judge
// it as the protocol wants it, beside the bare libraries, which only take out what its method
// needs.

namespace pipelab::bench {
namespace {

using rpc::Shape;

/// A request as rpc's clients send it, and the sum that its method gives.
struct Request {
  explicit Request(Shape shape) {
    rpc::Options options;
    options.shape = shape;
    const rpc::Body body = rpc::make_body(options, 1);
    text.resize(options.most_request_bytes());
    rpc::JsonWriter writer(text.data());
    writer.request(rpc::kFirstId, false, rpc::kFirstNumber, body.tail);
    text.resize(writer.bytes());
    sum = rpc::kFirstNumber + body.sum;
  }

  std::string text;
  std::int64_t sum{0};
};

/// A parser of the workload.
template <class Parser>
class Ours {
 public:
  explicit Ours(std::size_t bytes) : parser_(bytes) {}

  std::int64_t sum_of(std::span<char> message) {
    std::int64_t sum = 0;
    const rpc::Error error = parser_.parse(message, draft_, [&](const rpc::Draft& draft) {
      sum = draft.judge_request() == rpc::Error::kNone ? draft.sum() : 0;
    });
    return error == rpc::Error::kNone ? sum : 0;
  }

 private:
  static constexpr std::size_t kArguments = 1024;

  Parser parser_;
  rpc::Draft draft_{kArguments};
};

/// On demand, in the order in which the members stand, as its authors advise.
class BareSimdjson {
 public:
  explicit BareSimdjson(std::size_t bytes) : parser_(bytes) {}

  std::int64_t sum_of(std::span<char> message) {
    simdjson::ondemand::document document = parser_.iterate(
        message.data(), message.size(), message.size() + simdjson::SIMDJSON_PADDING);
    const std::int64_t id = document["id"];
    const std::string_view method = document["method"];
    std::int64_t sum = id < rpc::kFirstId || method != rpc::kSum ? 1 : 0;
    for (simdjson::ondemand::value argument : document["params"]) {
      sum += argument.type() == simdjson::ondemand::json_type::string
                 ? static_cast<std::int64_t>(std::string_view(argument.get_string()).size())
                 : std::int64_t(argument.get_int64());
    }
    return sum;
  }

 private:
  simdjson::ondemand::parser parser_;
};

/// In place, recursive, as in its documentation's first example; what it allocates is used again.
class BareRapidjson {
 public:
  explicit BareRapidjson(std::size_t /*bytes*/) {}

  std::int64_t sum_of(std::span<char> message) {
    nodes_.Clear();
    rapidjson::Document document(&nodes_);
    *(message.data() + message.size()) = '\0';  // where its padding begins
    document.ParseInsitu(message.data());
    const std::int64_t id = document["id"].GetInt64();
    const rapidjson::Value& name = document["method"];
    const std::string_view method(name.GetString(), name.GetStringLength());
    std::int64_t sum = id < rpc::kFirstId || method != rpc::kSum ? 1 : 0;
    for (const rapidjson::Value& argument : document["params"].GetArray()) {
      sum += argument.IsString() ? static_cast<std::int64_t>(argument.GetStringLength())
                                 : argument.GetInt64();
    }
    return sum;
  }

 private:
  rapidjson::MemoryPoolAllocator<> nodes_;
};

/// Reads copies of one request that lie side by side, in a hundred kilobytes or so, until the
/// sample is long enough. Some parsers write into them: they are made anew when nothing is timed.
template <class Parser, Shape kShape>
Measurement parse(const CpuPair& /*cpus*/, bool /*hint*/) {
  constexpr platform::Nanoseconds kSampleNs = 3'000'000;
  constexpr std::size_t kCopiesBytes = 100'000;
  const Request request(kShape);
  const std::size_t stride = request.text.size() + rpc::kPadding;
  const std::size_t copies = kCopiesBytes / stride + 1;
  std::vector<char> messages(copies * stride);
  Parser parser(request.text.size());
  Measurement measurement;
  std::uint64_t wrong = 0;
  RunDelayLaps run_delay;
  while (measurement.duration_ns < kSampleNs) {
    for (std::size_t copy = 0; copy < copies; ++copy) {
      std::memcpy(&messages[copy * stride], request.text.data(), request.text.size());
    }
    const platform::Nanoseconds begin_ns = platform::now_ns();
    for (std::size_t copy = 0; copy < copies; ++copy) {
      const std::int64_t sum = parser.sum_of({&messages[copy * stride], request.text.size()});
      wrong |= static_cast<std::uint64_t>(sum ^ request.sum);
    }
    measurement.duration_ns += platform::now_ns() - begin_ns;
    measurement.items += copies;
  }
  measurement.run_delay_ns = run_delay.lap_ns();
  if (wrong != 0) {
    throw std::runtime_error("a parser read what the request does not say");
  }
  return measurement;
}

template <class Parser>
void add_parser(std::vector<Cell>& cells, std::string_view contender) {
  Cell cell{.work = "parse",
            .contender = contender,
            .mode = "small",
            .batch = 1,
            .item_bytes = Request(Shape::kSmall).text.size(),
            .capacity = 0,
            .hint = false,
            .measure = parse<Parser, Shape::kSmall>};
  cells.push_back(cell);
  cell.mode = "large";
  cell.item_bytes = Request(Shape::kLarge).text.size();
  cell.measure = parse<Parser, Shape::kLarge>;
  cells.push_back(cell);
  cell.mode = "string";
  cell.item_bytes = Request(Shape::kString).text.size();
  cell.measure = parse<Parser, Shape::kString>;
  cells.push_back(cell);
}

}  // namespace

void add_parses(std::vector<Cell>& cells) {
  add_parser<Ours<rpc::SimdjsonParser>>(cells, "rpc simdjson");
  add_parser<Ours<rpc::RapidjsonParser>>(cells, "rpc RapidJSON");
  add_parser<BareSimdjson>(cells, "simdjson");
  add_parser<BareRapidjson>(cells, "RapidJSON");
}

}  // namespace pipelab::bench

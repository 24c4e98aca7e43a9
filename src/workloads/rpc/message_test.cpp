// What the parsers make of messages: by the protocol, and of what is none.

#include "workloads/rpc/message.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/rpc/body.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/rapidjson_parser.hpp"
#include "workloads/rpc/records.hpp"
#include "workloads/rpc/stamps.hpp"
#if PIPELAB_SIMDJSON
#include "workloads/rpc/simdjson_parser.hpp"
#endif

namespace pipelab::rpc {
namespace {

constexpr std::size_t kMost = 100'000;

/// What a server would say of a message, without a link.
template <class Parser>
class Reader {
 public:
  /// The replies, or what is wrong with the whole.
  std::string answer(std::string_view message) {
    std::vector<char> buffer(message.begin(), message.end());
    buffer.resize(message.size() + kPadding);
    std::vector<char> replies(kMost + 1000);
    JsonWriter writer(replies.data());
    const bool batch = is_array(message);
    if (batch) {
      writer.begin_batch();
    }
    const Error whole =
        parser_.parse({buffer.data(), message.size()}, draft_, [&](const Draft& draft) {
          const Error error = draft.judge_request();
          if (error != Error::kNone) {
            writer.error(error == Error::kInvalidRequest ? Id{} : draft.id(), error);
          } else if (draft.id().kind != Id::Kind::kNone) {
            writer.result(draft.id(), draft.sum());
          }
        });
    if (whole != Error::kNone) {
      return fmt::format("{}", static_cast<int>(whole));
    }
    if (batch) {
      writer.end_batch();
    }
    return {replies.data(), writer.bytes()};
  }

  /// Results of replies, a word each.
  std::string replies(std::string_view message) {
    std::vector<char> buffer(message.begin(), message.end());
    buffer.resize(message.size() + kPadding);
    std::string words;
    const Error whole =
        parser_.parse({buffer.data(), message.size()}, draft_, [&](const Draft& draft) {
          words += !draft.is_reply()  ? "none "
                   : draft.is_error() ? fmt::format("error:{} ", draft.error())
                                      : fmt::format("{} ", draft.result());
        });
    return whole == Error::kNone ? words : "broken";
  }

 private:
  Parser parser_{kMost};
  Draft draft_{1000};
};

template <class Parser>
class EachParser : public ::testing::Test {
 protected:
  Reader<Parser> reader_;
};

#if PIPELAB_SIMDJSON
using Parsers = ::testing::Types<SimdjsonParser, RapidjsonParser>;
#else
using Parsers = ::testing::Types<RapidjsonParser>;
#endif
TYPED_TEST_SUITE(EachParser, Parsers);

std::string error_of(int code, const char* text, const char* id = "null") {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":{},"message":"{}"}}}})", id,
                     code, text);
}

std::string result_of(const char* id, std::int64_t result) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id, result);
}

TYPED_TEST(EachParser, AnswersRequestsWithTheirId) {
  Reader<TypeParam>& reader = this->reader_;
  EXPECT_EQ(reader.answer(R"({"jsonrpc":"2.0","id":7,"method":"sum","params":[1,2,"abc"]})"),
            result_of("7", 6));
  EXPECT_EQ(reader.answer(R"( { "params" : [ -5 , "" ] , "method" : "sum", "id" : "x\"\u0001y",)"
                          R"( "jsonrpc" : "2.0" } )"),
            result_of(R"("x\"\u0001y")", -5));
  EXPECT_EQ(reader.answer(R"({"jsonrpc":"2.0","id":null,"method":"sum","params":[1,"a\nb"]})"),
            result_of("null", 4));
  EXPECT_EQ(reader.answer(R"({"jsonrpc":"2.0","method":"sum","params":[1]})"), "");
  EXPECT_EQ(
      reader.answer(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":[1],"more":{}})"),
      result_of("1", 1));
}

TYPED_TEST(EachParser, ReadsIntegersOfEachLength) {
  Reader<TypeParam>& reader = this->reader_;
  const auto answer = [&](std::string_view number) {
    return reader.answer(
        fmt::format(R"({{"jsonrpc":"2.0","id":{0},"method":"sum","params":[{0}]}})", number));
  };
  for (std::size_t digits = 1; digits <= 18; ++digits) {
    for (const std::string_view all : {"123456789098765432", "999999999999999999"}) {
      const std::string number(all.substr(0, digits));
      EXPECT_EQ(answer(number), result_of(number.c_str(), std::stoll(number)));
      EXPECT_EQ(answer("-" + number), result_of(("-" + number).c_str(), -std::stoll(number)));
      EXPECT_EQ(answer(number + " "), result_of(number.c_str(), std::stoll(number)));
    }
  }
  for (std::size_t place = 0; place < 16; ++place) {
    for (const char letter :
         {'/', ':', 'a', '\x10', '\xB1'}) {  // close to digits, one way or another
      std::string number = "1234567890123456";
      number[place] = letter;
      EXPECT_EQ(answer(number), "-32700") << number;
    }
  }
  EXPECT_EQ(answer("0123456789012345"), "-32700");
  EXPECT_EQ(answer("12345678901234.5"), error_of(-32600, "Invalid Request"));
  EXPECT_EQ(answer("1234567890123e10"), error_of(-32600, "Invalid Request"));
}

TYPED_TEST(EachParser, SaysWhatIsWrongAsTheProtocolDoes) {
  Reader<TypeParam>& reader = this->reader_;
  for (const char* message :
       {"", " ", "{", "[", "[1", R"({"jsonrpc":"2.0","id":1,"method":"sum","params":[1])",
        R"({"jsonrpc":"2.0","id":1,"method":"sum","params":[1]}})",
        R"({"jsonrpc":"2.0","id":1,"method":"sum","params":[1]} {})",
        R"({"jsonrpc":"2.0","id":1,"method":"sum","params":[1,]})",
        R"({"jsonrpc":"2.0","id":01,"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":1,"method":"sum","params":["\q"]})",
        R"({"jsonrpc":"2.0","id":1,"method":"sum,"params":[1]})", R"([{"jsonrpc":"2.0"},)",
        "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\"}", "nul", "\"abc"}) {
    EXPECT_EQ(reader.answer(message), "-32700") << message;
  }
  for (const char* message : {"[]", "1", "\"text\"", "true", "null", " [ ] "}) {
    EXPECT_EQ(reader.answer(message), "-32600") << message;
  }
  const std::string invalid = error_of(-32600, "Invalid Request");
  for (const char* message :
       {"{}", R"({"id":1,"method":"sum","params":[1]})",
        R"({"jsonrpc":"1.0","id":1,"method":"sum","params":[1]})",
        R"({"jsonrpc":2.0,"id":1,"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":1,"params":[1]})",
        R"({"jsonrpc":"2.0","id":1,"method":1,"params":[1]})",
        R"({"jsonrpc":"2.0","id":1.5,"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":{},"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":[],"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":99999999999999999999,"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":1,"id":1,"method":"sum","params":[1]})",
        R"({"jsonrpc":"2.0","id":1,"method":"sum","params":7})"}) {
    EXPECT_EQ(reader.answer(message), invalid) << message;
  }
  EXPECT_EQ(reader.answer(R"({"jsonrpc":"2.0","id":1,"method":"none","params":[1]})"),
            error_of(-32601, "Method not found", "1"));
  for (const char* params :
       {"{}", R"({"a":1})", "[]", "[null]", "[1.5]", "[[1]]", "[true]", "[\"text only\"]"}) {
    EXPECT_EQ(reader.answer(fmt::format(
                  R"({{"jsonrpc":"2.0","id":"i","method":"sum","params":{}}})", params)),
              error_of(-32602, "Invalid params", "\"i\""))
        << params;
  }
  EXPECT_EQ(reader.answer(R"({"jsonrpc":"2.0","id":1,"method":"sum"})"),
            error_of(-32602, "Invalid params", "1"));
  EXPECT_EQ(reader.answer(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":[2]})"),
            error_of(-32602, "Invalid params", "1"));
}

TYPED_TEST(EachParser, AnswersABatchObjectByObject) {
  EXPECT_EQ(this->reader_.answer(R"([{"jsonrpc":"2.0","id":1,"method":"sum","params":[1]}, 5,
                                 {"jsonrpc":"2.0","method":"sum","params":[1]},
                                 {"jsonrpc":"2.0","id":1,"method":"sum","params":[2]}])"),
            "[" + result_of("1", 1) + "," + error_of(-32600, "Invalid Request") + "," +
                result_of("1", 2) + "]");
}

TYPED_TEST(EachParser, ReadsReplies) {
  EXPECT_EQ(
      this->reader_.replies("[" + result_of("1", -7) + "," + error_of(-32601, "Method not found") +
                            R"(,{"jsonrpc":"2.0","id":1},{"jsonrpc":"2.0","result":1},)"
                            R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1}},)"
                            R"({"jsonrpc":"2.0","id":1,"result":"text"},)"
                            R"({"jsonrpc":"2.0","id":1,"error":{}}])"),
      "-7 error:-32601 none none none none none ");
  EXPECT_EQ(this->reader_.replies("{\"jsonrpc\""), "broken");
}

TYPED_TEST(EachParser, EndsWellWithWhatIsDeepOrLong) {
  Reader<TypeParam>& reader = this->reader_;
  const std::string deep(kMost / 2, '[');
  EXPECT_EQ(reader.answer(deep), "-32700");
  EXPECT_NE(reader.answer(deep + std::string(kMost / 2, ']')), "");
  std::string objects;
  for (int depth = 0; depth < 10'000; ++depth) {
    objects += "{\"a\":";
  }
  EXPECT_EQ(reader.answer(objects), "-32700");
  EXPECT_EQ(
      reader.answer(fmt::format(R"({{"jsonrpc":"2.0","id":"{}","method":"sum","params":[1]}})",
                                std::string(1000, 'i'))),
      error_of(-32600, "Invalid Request"));
  EXPECT_EQ(
      reader.answer(fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"sum","params":[1,"{}"]}})",
                                std::string(90'000, 's'))),
      result_of("1", 90'001));
}

/// Another message that was good: bytes of it are changed, taken out, doubled or cut off.
std::string mutated(std::string message, std::mt19937_64& random) {
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
  constexpr std::string_view kLikely = "{}[]\",:\\0123456789.-eEtfnul \x01\x7f\xc3\xff";
  for (std::size_t change = 1 + below(4); change > 0 && !message.empty(); --change) {
    const std::size_t at = below(message.size());
    const std::size_t many = 1 + below(8);
    switch (below(5)) {
      case 0:
        message[at] = static_cast<char>(random());
        break;
      case 1:
        message[at] = kLikely[below(kLikely.size())];
        break;
      case 2:
        message.erase(at, many);
        break;
      case 3:
        message.insert(below(message.size()), message.substr(at, many));
        break;
      default:
        message.resize(at);
        break;
    }
  }
  return message;
}

TYPED_TEST(EachParser, ReadsMutatedMessages) {
#ifdef __SANITIZE_THREAD__
  const std::size_t turns = 1'000;  // there is one thread
#else
  const char* const given = std::getenv("PIPELAB_MUTATIONS");  // NOLINT(concurrency-mt-unsafe)
  const std::size_t turns = given == nullptr ? 100'000 : std::stoul(given);
#endif
  const std::array<std::string, 5> messages{
      R"({"jsonrpc":"2.0","id":1000000000000001,"method":"sum","params":[2000000000000001,42,"a b"]})",
      R"([{"jsonrpc":"2.0","id":"a\n","method":"sum","params":[1,2,3]},{"jsonrpc":"2.0","method":"x"}])",
      R"({"jsonrpc":"2.0","id":null,"method":"initialize","params":[1],"more":[{"a":[1.5e3,true]}]})",
      result_of("7", 9), error_of(-32700, "Parse error")};
  std::mt19937_64 random(1);
  std::size_t refused = 0;
  std::size_t answered = 0;
  for (std::size_t turn = 0; turn < turns; ++turn) {
    const std::string message = mutated(messages.at(random() % messages.size()), random);
    const std::string answer = this->reader_.answer(message);
    static_cast<void>(this->reader_.replies(message));
    refused += answer.starts_with("-32") ? 1 : 0;
    answered += answer.find("result") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(refused, turns / 2);
  EXPECT_GT(answered, turns / 1'000);
}

TEST(Records, AreReadOnlyWhereTheyAreWhole) {
  std::array<char, 1000> buffer{};
  RecordWriter writer(buffer.data());
  writer.request(7, false, 5, "abcd");
  writer.result({.kind = Id::Kind::kNumber, .number = 7}, 9);
  RecordParser parser(buffer.size());
  Draft draft(1);
  int objects = 0;
  const auto parse = [&](std::size_t bytes) {
    objects = 0;
    return parser.parse({buffer.data(), bytes}, draft, [&](const Draft& /*draft*/) { ++objects; });
  };
  EXPECT_EQ(parse(writer.bytes()), Error::kNone);
  EXPECT_EQ(objects, 2);
  for (std::size_t bytes = 0; bytes < writer.bytes(); ++bytes) {
    EXPECT_EQ(parse(bytes), bytes == sizeof(Record) + 4 ? Error::kNone : Error::kParse) << bytes;
  }
}

TEST(Body, MakesRequestsAsLongAsIsWanted) {
  for (const Shape shape : {Shape::kSmall, Shape::kLarge, Shape::kString}) {
    for (const Ids ids : {Ids::kNumber, Ids::kString}) {
      for (const std::size_t bytes : {kLeastBytes, kLeastBytes + 1, std::size_t{206},
                                      std::size_t{806}, std::size_t{65'536}}) {
        Options options;
        options.shape = shape;
        options.ids = ids;
        options.bytes = bytes;
        const Body body = make_body(options, 1);
        std::vector<char> buffer(bytes + 100);
        JsonWriter writer(buffer.data());
        writer.request(kFirstNumber, ids == Ids::kString, kFirstNumber, body.tail);
        EXPECT_EQ(writer.bytes(), bytes);
        EXPECT_NE(Reader<RapidjsonParser>()
                      .answer({buffer.data(), writer.bytes()})
                      .find(fmt::format("\"result\":{}}}", kFirstNumber + body.sum)),
                  std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace pipelab::rpc

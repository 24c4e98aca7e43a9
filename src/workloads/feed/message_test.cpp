#include "workloads/feed/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/feed/decoder.hpp"
#include "workloads/feed/gaps.hpp"

namespace pipelab::feed {
namespace {

using Type = Message::Type;
using Bytes = std::vector<std::byte>;

Message tick(Sequence sequence) {
  return {.type = sequence % 3 == 0 ? Type::kTrade : Type::kQuote,
          .symbol = static_cast<std::uint32_t>(sequence % 7),
          .sequence = sequence,
          .intended_ns = 1'000 * static_cast<std::int64_t>(sequence % 1'000),
          .generated_ns = 0x0102030405060708,
          .bid = 1'000'000,
          .ask = 1'000'100,
          .quantity = 300};
}

Bytes stream_of(std::size_t messages, Checksum checksum, Sequence first = 1) {
  Bytes bytes(messages * frame::kBytes);
  for (std::size_t each = 0; each < messages; ++each) {
    frame::encode(checksum, &bytes[each * frame::kBytes], tick(first + each));
  }
  return bytes;
}

/// What a client does with a stream that comes in pieces of so many bytes.
std::vector<Message> read(Decoder& decoder, const Bytes& stream, std::size_t piece) {
  std::vector<Message> messages;
  Bytes waiting;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const std::size_t many = std::min(piece, stream.size() - at);
    waiting.insert(waiting.end(), &stream[at], &stream[at] + many);
    const std::size_t done =
        decoder.decode(waiting, [&](const Message& message) { messages.push_back(message); });
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
    EXPECT_LT(waiting.size(), frame::kBytes);
  }
  return messages;
}

class EachChecksum : public ::testing::TestWithParam<Checksum> {};

std::vector<Checksum> checksums() {
  return {
#if PIPELAB_XXHASH
    Checksum::kXxh3,
#endif
        Checksum::kCrc32c, Checksum::kNone
  };
}
INSTANTIATE_TEST_SUITE_P(Feed, EachChecksum, ::testing::ValuesIn(checksums()));

TEST(Checksums, AreThoseOfTheirStandards) {
  constexpr std::string_view kDigits = "123456789";
  const auto* const bytes = reinterpret_cast<const std::byte*>(kDigits.data());
  EXPECT_EQ(crc32c(bytes, kDigits.size()), 0xe3069283U);  // the check of CRC-32/ISCSI
  EXPECT_EQ(detail::crc_by_table(bytes, kDigits.size()), 0xe3069283U);
#if PIPELAB_XXHASH
  EXPECT_EQ(checksum_of<Checksum::kXxh3>(bytes, 0), 0x38d394c2U);  // of none: 2d06800538d394c2
#endif
}

TEST(Frame, IsTheSameBytesOnEveryMachine) {
  std::array<std::byte, frame::kBytes> bytes{};
  frame::encode<Checksum::kCrc32c>(bytes.data(), tick(0x1122334455667788));
  std::string hex;
  for (const std::byte byte : bytes) {
    constexpr std::string_view kHex = "0123456789abcdef";
    hex += kHex[std::to_integer<std::size_t>(byte >> 4U)];
    hex += kHex[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  EXPECT_EQ(hex.substr(0, 32), "300001a5050000008877665544332211");
  EXPECT_EQ(hex.substr(48, 32), "080706050403020140420f00a4420f00");
}

TEST_P(EachChecksum, IsReadWhereverAStreamIsSplit) {
  const Bytes stream = stream_of(5, GetParam());
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    Decoder decoder(GetParam());
    const std::vector<Message> messages = read(decoder, stream, piece);
    ASSERT_EQ(messages.size(), 5) << piece;
    EXPECT_EQ(messages.back(), tick(5));
    EXPECT_EQ(decoder.damage().skipped_bytes, 0);
  }
}

/// What becomes of the middle of five messages when one of its bytes is another.
Damage damaged(Checksum checksum, std::size_t at, std::size_t read_at_least) {
  Bytes stream = stream_of(5, checksum);
  stream[2 * frame::kBytes + at] ^= std::byte{0x40};
  Decoder decoder(checksum);
  EXPECT_EQ(read(decoder, stream, 77).size(), read_at_least) << at;
  return decoder.damage();
}

TEST_P(EachChecksum, GoesOnAfterABadLengthTypeOrMark) {
  for (const std::size_t at : {0U, 1U}) {
    EXPECT_EQ(damaged(GetParam(), at, 4).bad_length, 1);
  }
  for (const std::size_t at : {2U, 3U}) {
    const Damage damage = damaged(GetParam(), at, 4);
    EXPECT_EQ(damage.bad_type, 1);
    EXPECT_EQ(damage.bad_length + damage.bad_checksum, 0);
    EXPECT_EQ(damage.skipped_bytes, frame::kBytes);
  }
}

TEST_P(EachChecksum, FindsEachOtherByteThatIsAnother) {
  if (GetParam() == Checksum::kNone) {
    EXPECT_EQ(damaged(Checksum::kNone, 40, 5).bad_checksum, 0);
    return;
  }
  for (std::size_t at = 4; at < frame::kBytes; ++at) {
    EXPECT_EQ(damaged(GetParam(), at, 4).bad_checksum, 1);
  }
}

/// A stream in which something was changed, left out, put in or sent twice.
Bytes mutated(Bytes stream, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0 && !stream.empty(); --changes) {
    const auto at = static_cast<std::ptrdiff_t>(random() % stream.size());
    const auto many = static_cast<std::ptrdiff_t>(
        std::min<std::uint64_t>(1 + random() % 60, stream.size() - static_cast<std::size_t>(at)));
    switch (random() % 4) {
      case 0:
        stream[static_cast<std::size_t>(at)] = static_cast<std::byte>(random());
        break;
      case 1:
        stream.erase(stream.begin() + at, stream.begin() + at + many);
        break;
      case 2: {
        const Bytes more(stream.begin() + at, stream.begin() + at + many);
        stream.insert(stream.begin() + at, more.begin(), more.end());
        break;
      }
      default:
        stream.insert(stream.begin() + at, static_cast<std::byte>(random()));
        break;
    }
  }
  return stream;
}

TEST_P(EachChecksum, ReadsMutatedFrames) {
#ifdef __SANITIZE_THREAD__
  const std::size_t turns = 1'000;  // there is one thread
#else
  const char* const given = std::getenv("PIPELAB_MUTATIONS");  // NOLINT(concurrency-mt-unsafe)
  const std::size_t turns = given == nullptr ? 50'000 : std::stoul(given);
#endif
  const Bytes whole = stream_of(6, GetParam());
  std::mt19937_64 random(1);
  std::size_t wrong = 0;
  std::size_t read_after = 0;
  for (std::size_t turn = 0; turn < turns; ++turn) {
    Bytes stream = mutated(whole, random);
    // Of what follows, all is read once the decoder has found its place again.
    const Bytes after = stream_of(3, GetParam(), 100);
    stream.insert(stream.end(), after.begin(), after.end());
    Decoder decoder(GetParam());
    const std::vector<Message> messages = read(decoder, stream, 1 + random() % 200);
    if (GetParam() != Checksum::kNone) {
      for (const Message& message : messages) {
        ASSERT_EQ(message, tick(message.sequence));  // nothing wrong passes for a message
      }
      ASSERT_GE(messages.size(), 3);
      ASSERT_EQ(messages.back(), tick(102));
    }
    const Damage& damage = decoder.damage();
    wrong += damage.bad_length + damage.bad_type + damage.bad_checksum > 0 ? 1 : 0;
    read_after += messages.size();
  }
  EXPECT_GT(wrong, turns / 4);
  EXPECT_GT(read_after, 3 * turns);
}

TEST(Gaps, AreCountedByTheNumbersAlsoWhereThoseWrap) {
  Gaps gaps;
  gaps.expect(~Sequence{0} - 2);
  for (const Sequence sequence : {~Sequence{0} - 2, ~Sequence{0} - 1, ~Sequence{0}, Sequence{0}}) {
    EXPECT_TRUE(gaps.take(sequence));
  }
  EXPECT_EQ(gaps.gaps(), 0);
  EXPECT_TRUE(gaps.take(4));
  EXPECT_FALSE(gaps.take(4));
  EXPECT_FALSE(gaps.take(2));
  gaps.expect(5);
  gaps.expect(3);
  EXPECT_EQ(gaps.gaps(), 1);
  EXPECT_EQ(gaps.missing(), 3);
  EXPECT_EQ(gaps.repeated(), 2);
  gaps.expect(10);
  EXPECT_EQ(gaps.gaps(), 2);
  EXPECT_EQ(gaps.missing(), 8);
}

TEST(Gaps, BeginWithTheFirstNumberThatComes) {
  Gaps gaps;
  EXPECT_TRUE(gaps.take(77));
  EXPECT_TRUE(gaps.take(78));
  EXPECT_EQ(gaps.missing(), 0);
}

}  // namespace
}  // namespace pipelab::feed

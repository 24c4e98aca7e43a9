#include "workloads/exchange/stream_connection.hpp"

#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>

namespace pipelab::exchange {
namespace {

/// Reads or writes all of `bytes`; returns in how many calls.
template <class Transfer>
std::uint64_t transfer_all(Transfer transfer, std::span<std::byte> bytes) {
  std::uint64_t calls = 0;
  while (!bytes.empty()) {
    ++calls;
    const ssize_t done = transfer(bytes);
    if (done > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    } else if (done == 0 || errno == ECONNRESET || errno == EPIPE) {
      throw CallFailed(CallFailed::Why::kDied, "the other side has closed the connection");
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "exchange over a file");
    }
  }
  return calls;
}

platform::StreamKind kind_of(Transport transport) {
  return transport == Transport::kPipe  ? platform::StreamKind::kPipes
         : transport == Transport::kTcp ? platform::StreamKind::kTcp
                                        : platform::StreamKind::kUnix;
}

}  // namespace

StreamConnection::StreamConnection(const Options& options, std::pmr::memory_resource& /*shared*/)
    : words_(options.payload_words()), files_(platform::stream_pair(kind_of(options.transport))) {}

StreamConnection::~StreamConnection() {
  files(Side::kCaller).close();
  files(Side::kResponder).close();
}

void StreamConnection::keep(Side side) noexcept { files(other(side)).close(); }

StreamConnection::End::End(StreamConnection& all, Side side, const std::atomic<bool>& /*gone*/)
    : from_(all.files(side).from),
      to_(all.files(side).to),
      out_(all.words_ + 1),
      in_(all.words_ + 1) {
  platform::block_pipe_signal();
}

void StreamConnection::End::say(Kind kind) {
  out_.front() = Word(++turn_, kind, out_.size() - 1).bits();
  system_calls_ += transfer_all(
      [this](std::span<std::byte> bytes) { return ::write(to_, bytes.data(), bytes.size()); },
      std::as_writable_bytes(std::span(out_)));
}

Kind StreamConnection::End::listen() {
  system_calls_ += transfer_all(
      [this](std::span<std::byte> bytes) { return ::read(from_, bytes.data(), bytes.size()); },
      std::as_writable_bytes(std::span(in_)));
  const Word word(in_.front());
  word.check(turn_++, in_.size() - 1);
  return word.kind();
}

}  // namespace pipelab::exchange

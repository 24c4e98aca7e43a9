#include "workloads/rpc/stream_link.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "platform/system_call.hpp"

namespace pipelab::rpc {
namespace {

platform::StreamKind kind_of(Transport transport) {
  return transport == Transport::kPipe  ? platform::StreamKind::kPipes
         : transport == Transport::kTcp ? platform::StreamKind::kTcp
                                        : platform::StreamKind::kUnix;
}

/// What is collected or read at a time, beside the longest message.
constexpr std::size_t kAtATime = 65'536;

/// Waits until `file` can be read or written, or the time is up.
void wait_for(int file, short events, platform::Nanoseconds limit_ns) {
  pollfd waiting{.fd = file, .events = events, .revents = 0};
  const timespec limit = platform::to_timespec(limit_ns);
  if (ppoll(&waiting, 1, &limit, nullptr) < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "wait for a message");
  }
}

/// Whether a call that failed is to be made again later; throws where it is not.
void check_again() {
  if (errno == ECONNRESET || errno == EPIPE) {
    throw PeerGone("the other side has closed the connection");
  }
  if (errno != EAGAIN && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "send messages over a file");
  }
}

}  // namespace

StreamLink::StreamLink(const Options& options, std::pmr::memory_resource& /*shared*/)
    : most_request_bytes_(options.most_request_bytes()),
      most_reply_bytes_(options.most_reply_bytes()),
      ends_(platform::stream_pair(kind_of(options.transport))) {
  const platform::StreamEnd& client = end(Side::kClient);
  for (const int file : {client.from, client.to}) {
    platform::checked(fcntl(file, F_SETFL, O_NONBLOCK), "set up a connection");
  }
}

StreamLink::~StreamLink() {
  end(Side::kClient).close();
  end(Side::kServer).close();
}

void StreamLink::keep(Side side) noexcept {
  end(side == Side::kClient ? Side::kServer : Side::kClient).close();
}

void StreamLink::shut(Side side) noexcept {
  const platform::StreamEnd& mine = end(side);
  if (::shutdown(mine.to, SHUT_RDWR) == 0) {
    return;
  }
  // Pipes: the other side sees that they are closed. This one may have a thread that is about to
  // write, and the numbers of its files must not become those of others.
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int file : {mine.to, mine.from}) {
    ::dup3(nothing, file, O_CLOEXEC);
  }
  ::close(nothing);
}

StreamLink::Out::Out(StreamLink& all, Side side, const std::atomic<bool>& /*gone*/)
    : file_(all.end(side).to),
      most_bytes_(all.most_from(side)),
      memory_(kAtATime + 2 * (kLengthBytes + most_bytes_ + kPadding)) {
  platform::block_pipe_signal();
}

char* StreamLink::Out::begin() {
  const std::size_t wanted = kLengthBytes + most_bytes_ + kPadding;
  if (end_ - begin_ >= kAtATime || end_ + wanted > memory_.size()) {
    static_cast<void>(flush());
  }
  if (end_ + wanted > memory_.size()) {
    std::memmove(memory_.data(), memory_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  is_begun_ = end_ + wanted <= memory_.size();
  return is_begun_ ? memory_.data() + end_ + kLengthBytes : nullptr;
}

void StreamLink::Out::send(const char* buffer, std::size_t bytes) {
  const auto length = static_cast<std::uint32_t>(bytes);
  std::memcpy(memory_.data() + (buffer - memory_.data()) - kLengthBytes, &length, kLengthBytes);
  end_ += kLengthBytes + bytes;
  is_begun_ = false;
}

bool StreamLink::Out::flush() {
  while (begin_ < end_) {
    ++system_calls_;
    const ssize_t done = ::write(file_, memory_.data() + begin_, end_ - begin_);
    if (done < 0) {
      check_again();
      if (errno == EAGAIN) {
        return false;
      }
    } else {
      begin_ += static_cast<std::size_t>(done);
    }
  }
  if (!is_begun_) {
    begin_ = end_ = 0;
  }
  return true;
}

void StreamLink::Out::wait(platform::Nanoseconds limit_ns) {
  ++system_calls_;
  wait_for(file_, POLLOUT, limit_ns);
}

StreamLink::In::In(StreamLink& all, Side side, const std::atomic<bool>& /*gone*/)
    : file_(all.end(side).from),
      blocks_(side == Side::kServer),
      most_bytes_(all.most_from(side == Side::kClient ? Side::kServer : Side::kClient)),
      memory_(kAtATime + 2 * (kLengthBytes + most_bytes_ + kPadding)) {
  platform::block_pipe_signal();
}

Frame StreamLink::In::try_receive() {
  std::uint32_t length = 0;
  if (end_ - begin_ < kLengthBytes) {
    return {};
  }
  std::memcpy(&length, memory_.data() + begin_, kLengthBytes);
  if (length > most_bytes_) {
    throw PeerGone(fmt::format("the other side sent a message of {} bytes, and {} are the most",
                               length, most_bytes_));
  }
  if (end_ - begin_ < kLengthBytes + length) {
    return {};
  }
  char* const text = memory_.data() + begin_ + kLengthBytes;
  begin_ += kLengthBytes + length;
  return {.text = text, .bytes = length};
}

bool StreamLink::In::read_some() {
  // What was given out has been read: the rest goes to the front, where there is room for it.
  if (memory_.size() - end_ < kLengthBytes + most_bytes_ + kPadding || begin_ == end_) {
    std::memmove(memory_.data(), memory_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  ++system_calls_;
  const ssize_t done = ::read(file_, memory_.data() + end_, memory_.size() - end_ - kPadding);
  if (done == 0) {
    throw PeerGone(end_ > begin_ ? "the other side closed in the middle of a message"
                                 : "the other side has closed the connection");
  }
  if (done < 0) {
    check_again();
    return false;
  }
  end_ += static_cast<std::size_t>(done);
  return true;
}

Frame StreamLink::In::receive(platform::Nanoseconds limit_ns) {
  Frame frame = try_receive();
  bool is_over = false;
  while (!frame.is_there() && !is_over) {
    if (!blocks_) {
      ++system_calls_;
      wait_for(file_, POLLIN, limit_ns);
    }
    is_over = !read_some();
    frame = try_receive();
  }
  return frame;
}

}  // namespace pipelab::rpc

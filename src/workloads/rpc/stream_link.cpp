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

/// What is collected or read at a time, beside the longest message: of many connections less.
std::size_t at_a_time(std::size_t connections) noexcept {
  constexpr std::size_t kOfOne = 65'536;
  constexpr std::size_t kOfMany = 4'096;
  return connections == 1 ? kOfOne : kOfMany;
}

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

Side other(Side side) noexcept { return side == Side::kClient ? Side::kServer : Side::kClient; }

}  // namespace

StreamLink::StreamLink(const Options& options, std::pmr::memory_resource& /*shared*/)
    : connections_(options.connections),
      most_request_bytes_(options.most_request_bytes()),
      most_reply_bytes_(options.most_reply_bytes()) {
  if (options.transport != Transport::kPipe) {
    listener_.emplace(kind_of(options.transport), static_cast<int>(connections_));
    return;
  }
  for (std::size_t connection = 0; connection < connections_; ++connection) {
    const auto [client, server] = platform::stream_pair(platform::StreamKind::kPipes);
    ends(Side::kClient).push_back(client);
    ends(Side::kServer).push_back(server);
  }
}

StreamLink::~StreamLink() {
  close(Side::kClient);
  close(Side::kServer);
}

std::size_t StreamLink::bytes_a_connection(const Options& options) {
  constexpr std::size_t kEach = 2 * (kLengthBytes + kPadding);
  return 2 * (2 * at_a_time(options.connections) + 2 * kEach +
              2 * (options.most_request_bytes() + options.most_reply_bytes()));
}

std::size_t StreamLink::memory_bytes(Side side) const noexcept {
  return at_a_time(connections_) + 2 * (kLengthBytes + most_from(side) + kPadding);
}

bool StreamLink::open(Side side) {
  for (std::size_t connection = 0; listener_ && connection < connections_; ++connection) {
    const int file = side == Side::kClient ? listener_->connect() : listener_->accept();
    if (file < 0) {
      return false;
    }
    ends(side).push_back({.from = file, .to = file});
  }
  if (side == Side::kClient) {
    for (const platform::StreamEnd& end : ends(side)) {
      for (const int file : {end.from, end.to}) {
        platform::checked(fcntl(file, F_SETFL, O_NONBLOCK), "set up a connection");
      }
    }
  }
  return true;
}

void StreamLink::reopen() {
  close(Side::kClient);
  open(Side::kClient);
}

void StreamLink::close(Side side) noexcept {
  for (platform::StreamEnd& end : ends(side)) {
    end.close();
  }
  ends(side).clear();
}

void StreamLink::keep(Side side) noexcept { close(other(side)); }

void StreamLink::rouse() noexcept {
  if (listener_) {
    listener_->shut();
  }
}

void StreamLink::shut(Side side) noexcept {
  for (const platform::StreamEnd& mine : ends(side)) {
    if (::shutdown(mine.to, SHUT_RDWR) == 0) {
      continue;
    }
    // Pipes: the other side sees that they are closed. This one may have a thread that is about to
    // write, and the numbers of its files must not become those of others.
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int file : {mine.to, mine.from}) {
      ::dup3(nothing, file, O_CLOEXEC);
    }
    ::close(nothing);
  }
}

StreamLink::Out::Out(StreamLink& all, Side side, const std::atomic<bool>& /*gone*/)
    : all_(all), side_(side), streams_(all.connections()) {
  for (Stream& stream : streams_) {
    stream.memory.resize(all.memory_bytes(side));
  }
  waiting_.reserve(streams_.size());
  platform::block_pipe_signal();
}

char* StreamLink::Out::begin(std::size_t connection) {
  Stream& stream = streams_[connection];
  const std::size_t wanted = kLengthBytes + all_.most_from(side_) + kPadding;
  if (stream.end - stream.begin >= at_a_time(streams_.size()) ||
      stream.end + wanted > stream.memory.size()) {
    static_cast<void>(flush(connection));
  }
  if (stream.end + wanted > stream.memory.size()) {
    std::memmove(stream.memory.data(), stream.memory.data() + stream.begin,
                 stream.end - stream.begin);
    stream.end -= stream.begin;
    stream.begin = 0;
  }
  if (stream.end + wanted > stream.memory.size()) {
    return nullptr;
  }
  begun_ = connection;
  return stream.memory.data() + stream.end + kLengthBytes;
}

void StreamLink::Out::send(const char* buffer, std::size_t bytes) {
  Stream& stream = streams_[begun_];
  const auto length = static_cast<std::uint32_t>(bytes);
  std::memcpy(stream.memory.data() + (buffer - stream.memory.data()) - kLengthBytes, &length,
              kLengthBytes);
  stream.end += kLengthBytes + bytes;
  if (!stream.waits) {
    stream.waits = true;
    waiting_.push_back(begun_);
  }
  begun_ = kNone;
}

bool StreamLink::Out::flush(std::size_t connection) {
  Stream& stream = streams_[connection];
  while (stream.begin < stream.end) {
    ++system_calls_;
    const ssize_t done = ::write(all_.ends(side_)[connection].to,
                                 stream.memory.data() + stream.begin, stream.end - stream.begin);
    if (done < 0) {
      check_again();
      if (errno == EAGAIN) {
        return false;
      }
    } else {
      stream.begin += static_cast<std::size_t>(done);
    }
  }
  if (begun_ != connection) {
    stream.begin = stream.end = 0;
  }
  return true;
}

bool StreamLink::Out::flush() {
  std::erase_if(waiting_, [this](std::size_t connection) {
    const bool done = flush(connection);
    streams_[connection].waits = !done;
    return done;
  });
  return waiting_.empty();
}

void StreamLink::Out::wait(platform::Nanoseconds limit_ns) {
  ++system_calls_;
  const std::size_t connection = waiting_.empty() ? 0 : waiting_.front();
  wait_for(all_.ends(side_)[connection].to, POLLOUT, limit_ns);
}

void StreamLink::Out::renew() {
  for (Stream& stream : streams_) {
    stream.begin = stream.end = 0;
    stream.waits = false;
  }
  waiting_.clear();
  begun_ = kNone;
}

StreamLink::In::In(StreamLink& all, Side side, const std::atomic<bool>& /*gone*/)
    : all_(all), side_(side), streams_(all.connections()) {
  for (Stream& stream : streams_) {
    stream.memory.resize(all.memory_bytes(other(side)));
  }
  if (streams_.size() > 1) {
    watch();
  }
  platform::block_pipe_signal();
}

StreamLink::In::~In() {
  if (epoll_ >= 0) {
    ::close(epoll_);
  }
}

void StreamLink::In::watch() {
  epoll_ = platform::checked(epoll_create1(EPOLL_CLOEXEC), "watch connections");
  read_ = at_ = 0;
  for (std::size_t connection = 0; connection < streams_.size(); ++connection) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = connection}};
    platform::checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, all_.ends(side_)[connection].from, &event),
                      "watch connections");
  }
}

void StreamLink::In::renew() {
  for (Stream& stream : streams_) {
    stream.begin = stream.end = 0;
  }
  if (epoll_ >= 0) {
    ::close(epoll_);
    watch();
  }
}

Frame StreamLink::In::frame_of(std::size_t connection) {
  Stream& stream = streams_[connection];
  std::uint32_t length = 0;
  if (stream.end - stream.begin < kLengthBytes) {
    return {};
  }
  std::memcpy(&length, stream.memory.data() + stream.begin, kLengthBytes);
  const std::size_t most_bytes = all_.most_from(other(side_));
  if (length > most_bytes) {
    throw PeerGone(fmt::format("the other side sent a message of {} bytes, and {} are the most",
                               length, most_bytes));
  }
  if (stream.end - stream.begin < kLengthBytes + length) {
    return {};
  }
  if (length == 0 && epoll_ >= 0) {
    // Nothing more comes, but that the other side closes it, maybe before others have been read.
    epoll_ctl(epoll_, EPOLL_CTL_DEL, all_.ends(side_)[connection].from, nullptr);
  }
  char* const text = stream.memory.data() + stream.begin + kLengthBytes;
  stream.begin += kLengthBytes + length;
  return {.text = text, .bytes = length, .connection = static_cast<std::uint32_t>(connection)};
}

Frame StreamLink::In::try_receive() {
  for (; at_ < read_; ++at_) {
    const Frame frame = frame_of(static_cast<std::size_t>(events_.at(at_).data.u64));
    if (frame.is_there() || epoll_ < 0) {
      return frame;
    }
  }
  return {};
}

bool StreamLink::In::read_some(std::size_t connection) {
  Stream& stream = streams_[connection];
  // What was given out has been read: the rest goes to the front, where there is room for it.
  if (stream.memory.size() - stream.end < kLengthBytes + all_.most_from(other(side_)) + kPadding ||
      stream.begin == stream.end) {
    std::memmove(stream.memory.data(), stream.memory.data() + stream.begin,
                 stream.end - stream.begin);
    stream.end -= stream.begin;
    stream.begin = 0;
  }
  ++system_calls_;
  const ssize_t done = ::read(all_.ends(side_)[connection].from, stream.memory.data() + stream.end,
                              stream.memory.size() - stream.end - kPadding);
  if (done == 0) {
    throw PeerGone(stream.end > stream.begin ? "the other side closed in the middle of a message"
                                             : "the other side has closed the connection");
  }
  if (done < 0) {
    check_again();
    return false;
  }
  stream.end += static_cast<std::size_t>(done);
  return true;
}

bool StreamLink::In::wait(platform::Nanoseconds limit_ns) {
  if (epoll_ < 0) {
    if (side_ == Side::kClient) {  // the server's file blocks
      ++system_calls_;
      wait_for(all_.ends(side_).front().from, POLLIN, limit_ns);
    }
    return read_some(0);
  }
  constexpr platform::Nanoseconds kMillisecondNs = 1'000'000;
  ++system_calls_;
  const int ready = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()),
                               static_cast<int>((limit_ns + kMillisecondNs - 1) / kMillisecondNs));
  if (ready < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "wait for a message");
  }
  at_ = 0;
  read_ = static_cast<std::size_t>(std::max(ready, 0));
  bool any = false;
  for (std::size_t event = 0; event < read_; ++event) {
    any = read_some(static_cast<std::size_t>(events_.at(event).data.u64)) || any;
  }
  return any;
}

Frame StreamLink::In::receive(platform::Nanoseconds limit_ns) {
  Frame frame = try_receive();
  for (bool is_over = false; !frame.is_there() && !is_over;) {
    is_over = !wait(limit_ns);
    frame = try_receive();
  }
  return frame;
}

}  // namespace pipelab::rpc

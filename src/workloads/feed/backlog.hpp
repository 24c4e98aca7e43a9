#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "workloads/feed/message.hpp"

namespace pipelab::feed {

/// What a client has not taken yet, as bytes: the rest of a frame, maybe, and whole frames.
class Backlog {
 public:
  /// Holds `limit` bytes, and a frame more.
  explicit Backlog(std::size_t limit) : bytes_(limit + frame::kBytes) {}

  bool empty() const noexcept { return begin_ == end_; }
  std::span<const std::byte> bytes() const noexcept {
    return std::span(bytes_).subspan(begin_, end_ - begin_);
  }

  /// Takes as many of `bytes`, which end with a frame, as there is room for, up to the end of a
  /// frame. Returns how many.
  std::size_t append(std::span<const std::byte> bytes) {
    const std::size_t room = bytes_.size() - (end_ - begin_);
    const std::size_t rest = bytes.size() % frame::kBytes;  // of one that was begun
    std::size_t many = std::min(bytes.size(), room);
    many = many < rest ? 0 : many - (many - rest) % frame::kBytes;
    if (bytes_.size() - end_ < many) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    std::memcpy(bytes_.data() + end_, bytes.data(), many);
    end_ += many;
    return many;
  }

  /// The first so many bytes were taken.
  void drop(std::size_t bytes) noexcept {
    begin_ += bytes;
    if (empty()) {
      begin_ = end_ = 0;
    }
  }

  void clear() noexcept { begin_ = end_ = 0; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t begin_{0};
  std::size_t end_{0};
};

/// Which of some keys have changed since they were sent, the one that did longest ago first.
class Stale {
 public:
  bool empty() const noexcept { return next_.empty() || next_.back() == keys(); }

  /// Makes room for so many keys.
  void reserve(std::size_t many) {
    if (next_.empty()) {
      next_.assign(many + 1, kNone);
      previous_.assign(many + 1, kNone);
      next_.back() = previous_.back() = static_cast<std::uint32_t>(many);
    }
  }

  /// A key has changed: it is the last one now. True if it was one of them before.
  bool add(std::uint32_t key) noexcept {
    const bool was_there = next_[key] != kNone;
    if (was_there) {
      unlink(key);
    }
    const std::uint32_t last = previous_.back();
    next_[last] = key;
    previous_[key] = last;
    next_[key] = keys();
    previous_.back() = key;
    return was_there;
  }

  /// The first, which is taken out. There must be one.
  std::uint32_t take() noexcept {
    const std::uint32_t key = next_.back();
    unlink(key);
    next_[key] = kNone;
    return key;
  }

  void clear() noexcept {
    while (!empty()) {
      take();
    }
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// How many keys there are, which is the ring's own place.
  std::uint32_t keys() const noexcept { return static_cast<std::uint32_t>(next_.size() - 1); }

  void unlink(std::uint32_t key) noexcept {
    next_[previous_[key]] = next_[key];
    previous_[next_[key]] = previous_[key];
  }

  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> previous_;
};

}  // namespace pipelab::feed

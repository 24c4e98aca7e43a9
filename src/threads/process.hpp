#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "platform/clock.hpp"
#include "threads/record.hpp"

namespace pipelab::threads {

/// A second process of a run, with threads of its own, forked from this one while this one has no
/// threads yet. It shares what memory was mapped to be shared, starts when it is told to, and
/// cannot outlive this process. Interrupts are this process's affair: they only end the other's
/// sleeps, as sleep_until() has them.
class Process {
 public:
  /// The other process's end of the link between the two.
  class Parent {
   public:
    /// Says that all is ready, and waits for the start.
    void ready() const;

   private:
    friend class Process;
    explicit Parent(int link) : link_(link) {}
    int link_;
  };

  /// What the other process does; returns the records of its threads.
  using Body = std::function<std::vector<Record>(Parent)>;

  explicit Process(const Body& body);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;
  Process& operator=(Process&&) = delete;

  /// Kills it, if it has not been joined.
  ~Process();

  /// Waits until it is ready. Throws what it threw before: as std::system_error or
  /// std::logic_error, with the same words, bad_alloc as itself. std::runtime_error, if it died.
  void wait_until_ready();

  void start();

  pid_t pid() const noexcept { return pid_; }

  /// A file that is readable once it is dead (pidfd_open(2)).
  int death() const noexcept { return death_; }

  /// Whether it has said more, or has ended, within so long.
  bool has_word(platform::Nanoseconds within_ns) const;

  /// Waits for its end; throws as wait_until_ready() does.
  std::vector<Record> join();

 private:
  struct Packet;
  Packet receive() const;

  pid_t pid_{-1};
  int link_{-1};
  int death_{-1};
};

}  // namespace pipelab::threads

#pragma once

#include <string>
#include <string_view>

namespace pipelab::attendant {

/// `tid,call,count,total_ns` lines under that header, from the kernel's histogram of the synthetic
/// event `calls` (Documentation/trace/histogram.rst). A call is a number, as the machine counts
/// them.
std::string parse_calls(std::string_view histogram);

/// Has the kernel count the system calls of every thread, and how long they took, in its own
/// histograms (tracefs): nothing is written while the program runs. Where
/// the kernel cannot, nothing is counted.
class Calls {
 public:
  Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  Calls(Calls&&) = delete;
  Calls& operator=(Calls&&) = delete;

  /// Ends the count. What parse_calls() gives; empty where nothing was counted.
  std::string text() const;

 private:
  bool counted_;
};

}  // namespace pipelab::attendant

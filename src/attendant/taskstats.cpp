#include "attendant/taskstats.hpp"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <iterator>
#include <set>
#include <string_view>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

constexpr std::size_t kLongestMessage = 16384;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 3) & ~std::size_t{3}; }

template <typename Value>
Value value_at(std::span<const char> bytes) {
  Value value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

using Visit = std::function<void(std::uint16_t type, std::span<const char> payload)>;

/// Calls `visit` for each netlink attribute of `bytes`.
void for_each_attribute(std::span<const char> bytes, const Visit& visit) {
  while (bytes.size() >= sizeof(nlattr)) {
    const auto head = value_at<nlattr>(bytes);
    if (head.nla_len < sizeof head || head.nla_len > bytes.size()) {
      return;
    }
    visit(head.nla_type & NLA_TYPE_MASK, bytes.subspan(sizeof head, head.nla_len - sizeof head));
    bytes = bytes.subspan(std::min(aligned(head.nla_len), bytes.size()));
  }
}

/// Calls `visit` for each netlink message of `bytes`, with what follows its first header.
void for_each_message(std::span<const char> bytes, const Visit& visit) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    const auto head = value_at<nlmsghdr>(bytes);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > bytes.size()) {
      return;
    }
    visit(head.nlmsg_type, bytes.subspan(sizeof head, head.nlmsg_len - sizeof head));
    bytes = bytes.subspan(std::min(aligned(head.nlmsg_len), bytes.size()));
  }
}

Task task_of(const taskstats& counted) {
  constexpr std::uint64_t kPerMicrosecond = 1000;
  constexpr std::uint16_t kWithProcess = 12;
  const auto pid = static_cast<pid_t>(counted.ac_pid);
  return {.name = {&counted.ac_comm[0], strnlen(&counted.ac_comm[0], sizeof counted.ac_comm)},
          .tid = pid,
          .pid = counted.version >= kWithProcess ? static_cast<pid_t>(counted.ac_tgid) : pid,
          .parent = static_cast<pid_t>(counted.ac_ppid),
          .voluntary_switches = counted.nvcsw,
          .involuntary_switches = counted.nivcsw,
          .run_delay_ns = counted.cpu_delay_total,
          .cpu_ns = counted.cpu_run_virtual_total,
          .user_ns = counted.ac_utime * kPerMicrosecond,
          .system_ns = counted.ac_stime * kPerMicrosecond,
          .elapsed_ns = counted.ac_etime * kPerMicrosecond};
}

/// Sends a request of one attribute; all that the kernel has answered when that returns.
std::vector<char> ask(int socket, std::uint16_t family, std::uint8_t command,
                      std::uint16_t attribute, std::string_view value) {
  const std::size_t value_bytes = value.size() + 1;  // with its NUL
  const nlattr attribute_head{static_cast<std::uint16_t>(sizeof(nlattr) + value_bytes), attribute};
  const genlmsghdr command_head{command, 1, 0};
  const nlmsghdr head{static_cast<std::uint32_t>(sizeof head + sizeof command_head +
                                                 aligned(attribute_head.nla_len)),
                      family, NLM_F_REQUEST | NLM_F_ACK, 0, 0};
  std::vector<char> bytes(head.nlmsg_len);
  char* place = bytes.data();
  const auto append = [&place](const void* from, std::size_t count) {
    std::memcpy(place, from, count);
    place += count;
  };
  append(&head, sizeof head);
  append(&command_head, sizeof command_head);
  append(&attribute_head, sizeof attribute_head);
  append(value.data(), value.size());
  if (send(socket, bytes.data(), bytes.size(), 0) < 0) {
    return {};
  }
  std::vector<char> answer;
  std::vector<char> message(kLongestMessage);
  ssize_t got = 0;
  while ((got = recv(socket, message.data(), message.size(), MSG_DONTWAIT)) > 0) {
    answer.insert(answer.end(), message.begin(), message.begin() + got);
    answer.resize(aligned(answer.size()));
  }
  return answer;
}

/// Whether an answer has an acknowledgement without an error.
bool acknowledges(std::span<const char> answer) {
  bool good = false;
  for_each_message(answer, [&good](std::uint16_t type, std::span<const char> rest) {
    good = good || (type == NLMSG_ERROR && rest.size() >= sizeof(int) && value_at<int>(rest) == 0);
  });
  return good;
}

}  // namespace

std::vector<Task> parse_tasks(std::span<const char> messages) {
  // Its fields are not where those before and after it have them.
  constexpr std::uint16_t kOddVersion = 15;
  std::vector<Task> tasks;
  const Visit in_task = [&tasks](std::uint16_t type, std::span<const char> payload) {
    if (type == TASKSTATS_TYPE_STATS && payload.size() > offsetof(taskstats, ac_utimescaled)) {
      const auto counted = value_at<taskstats>(payload);
      if (counted.version != kOddVersion) {
        tasks.push_back(task_of(counted));
      }
    }
  };
  for_each_message(messages, [&](std::uint16_t type, std::span<const char> rest) {
    if (type < NLMSG_MIN_TYPE || rest.size() < GENL_HDRLEN ||
        value_at<genlmsghdr>(rest).cmd != TASKSTATS_CMD_NEW) {
      return;
    }
    for_each_attribute(rest.subspan(GENL_HDRLEN),
                       [&](std::uint16_t attribute, std::span<const char> payload) {
                         if (attribute == TASKSTATS_TYPE_AGGR_PID) {
                           for_each_attribute(payload, in_task);
                         }
                       });
  });
  return tasks;
}

std::vector<Task> descending_from(pid_t ancestor, const std::vector<Task>& tasks) {
  // Mostly a parent ends after its children, since they would get another: so from the last one
  // back, and again for those that ended on two CPUs at once.
  constexpr int kPasses = 4;
  std::set<pid_t> family{ancestor};
  const auto descends = [&family](const Task& task) { return family.contains(task.parent); };
  for (int pass = 0; pass < kPasses; ++pass) {
    std::for_each(tasks.rbegin(), tasks.rend(), [&](const Task& task) {
      if (descends(task)) {
        family.insert(task.pid);
      }
    });
  }
  std::vector<Task> found;
  std::ranges::copy_if(tasks, std::back_inserter(found), descends);
  std::ranges::stable_sort(found, {}, &Task::tid);
  return found;
}

EndedTasks::EndedTasks() : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)) {
  // The kernel doubles it; it takes memory only as messages come.
  constexpr int kBufferBytes = 32 << 20;
  if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes) != 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
  }
  std::string cpus = content_of("/sys/devices/system/cpu/possible");
  cpus.erase(std::min(cpus.find('\n'), cpus.size()));
  const std::vector<char> answer =
      ask(socket_, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME);
  std::uint16_t family = 0;
  for_each_message(answer, [&family](std::uint16_t type, std::span<const char> rest) {
    if (type == GENL_ID_CTRL && rest.size() >= GENL_HDRLEN) {
      for_each_attribute(rest.subspan(GENL_HDRLEN),
                         [&family](std::uint16_t attribute, std::span<const char> payload) {
                           if (attribute == CTRL_ATTR_FAMILY_ID) {
                             family = value_at<std::uint16_t>(payload);
                           }
                         });
    }
  });
  if (family == 0) {
    return;
  }
  if (acknowledges(
          ask(socket_, family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, cpus))) {
    family_ = family;
  }
}

EndedTasks::~EndedTasks() { close(socket_); }

std::vector<Task> EndedTasks::read() {
  std::vector<Task> tasks;
  std::vector<char> message(kLongestMessage);
  while (known()) {
    const ssize_t got = recv(socket_, message.data(), message.size(), MSG_DONTWAIT);
    if (got < 0 && errno == ENOBUFS) {
      lost_ = true;
    } else if (got <= 0) {
      break;
    } else {
      std::ranges::copy(parse_tasks({message.data(), static_cast<std::size_t>(got)}),
                        std::back_inserter(tasks));
    }
  }
  return tasks;
}

}  // namespace pipelab::attendant

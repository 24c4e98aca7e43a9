#include "attendant/surroundings.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace pipelab::attendant {
namespace {

[[noreturn]] void cannot(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), "cannot " + what);
}

void make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    cannot("make " + path);
  }
}

void mount_on(const std::string& path, const char* type, const char* options) {
  make_folder(path);
  if (mount(type, path.c_str(), type, 0, options) != 0) {
    cannot("mount " + path);
  }
}

/// Programs find each other there. A kernel without it can have no program that needs it.
void bring_up_loopback() {
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) {
    return;
  }
  ifreq request{};
  std::strncpy(&request.ifr_name[0], "lo", sizeof request.ifr_name - 1);
  bool good = ioctl(socket_fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  good = good && ioctl(socket_fd, SIOCSIFFLAGS, &request) == 0;
  if (good && ioctl(socket_fd, SIOCGIFADDR, &request) != 0) {  // else it came by itself
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&request.ifr_addr, &address, sizeof address);
    good = ioctl(socket_fd, SIOCSIFADDR, &request) == 0;
  }
  const int error = errno;
  close(socket_fd);
  if (!good) {
    errno = error;
    cannot("bring up the interface lo");
  }
}

}  // namespace

void make_surroundings(const std::string& root) {
  if (unshare(CLONE_NEWNS) != 0 ||
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    cannot("have mounts of its own");
  }
  mount_on(root + "/proc", "proc", nullptr);
  mount_on(root + "/sys", "sysfs", nullptr);
  mount_on(root + "/dev", "devtmpfs", nullptr);
  mount_on(root + "/dev/shm", "tmpfs", "mode=1777");
  mount_on(root + "/tmp", "tmpfs", "mode=1777");
  make_folder(root + "/run");
  constexpr std::array<std::pair<const char*, const char*>, 4> kLinks{{{"/proc/self/fd", "/dev/fd"},
                                                                       {"fd/0", "/dev/stdin"},
                                                                       {"fd/1", "/dev/stdout"},
                                                                       {"fd/2", "/dev/stderr"}}};
  for (const auto& [target, link] : kLinks) {
    if (symlink(target, (root + link).c_str()) != 0 && errno != EEXIST) {
      cannot("make " + root + link);
    }
  }
  bring_up_loopback();
}

void fail_incomplete() {
  mount(nullptr, "/", nullptr, MS_REMOUNT, "size=90%");
  throw std::runtime_error(
      "the program's files did not all fit into the guest's memory: give it more memory-mb");
}

}  // namespace pipelab::attendant

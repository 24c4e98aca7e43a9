#pragma once

#include <array>

namespace pipelab::platform {

/// Two sockets that are connected over TCP and the loopback device, which it starts where a bare
/// guest has not, and whose small messages are sent at once. Throws std::system_error where the
/// kernel refuses.
std::array<int, 2> tcp_pair();

}  // namespace pipelab::platform

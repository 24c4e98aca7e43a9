#pragma once

namespace pipelab::load {

enum class Pacing { kSleep, kDeadline, kSpin };

}  // namespace pipelab::load

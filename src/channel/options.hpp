#pragma once

namespace pipelab::channel {

enum class Queue { kSpsc, kMutex };
enum class OnFull { kDrop, kBlock, kOverwrite };
enum class Wait { kSpin, kYield, kFutex, kHybrid };

}  // namespace pipelab::channel

#pragma once

#include "attendant/words.hpp"

namespace pipelab::attendant {

/// Runs the command of `words` under the eyes of this process, which must have no threads, and
/// leaves process.csv, threads.csv and what is to be kept in the current folder. The command's exit
/// code; or, after a line on stderr, 122 when a file to keep is too large, 123 when processes were
/// left behind, 124 when it reached the limit, 126 or 127 when it could not be executed, 128 and
/// the number of a signal that ended it. Throws std::exception when it cannot be attended to.
int attend(const Words& words);

}  // namespace pipelab::attendant

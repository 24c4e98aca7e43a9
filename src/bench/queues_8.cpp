#include "bench/queues.hpp"

// One translation unit a size of item, since they take long to compile.
template void pipelab::bench::add_queues<8>(std::vector<Cell>& cells);

#pragma once

#include <cstdint>
#include <string>

namespace pipelab::attendant {

/// The function at `offset` in the ELF file at `path`, demangled; empty where none of its symbols
/// spans that. A file that is damaged, or cut meanwhile, may end this process.
std::string function_in(const std::string& path, std::uint64_t offset);

}  // namespace pipelab::attendant

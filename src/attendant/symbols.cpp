#include "attendant/symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

namespace pipelab::attendant {
namespace {

/// An ELF file in memory.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat known {};
    if (fstat(file, &known) == 0 && S_ISREG(known.st_mode) && known.st_size > 0) {
      size_ = static_cast<std::size_t>(known.st_size);
      void* const memory = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
      bytes_ = memory == MAP_FAILED ? nullptr : static_cast<const char*>(memory);
    }
    close(file);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  ElfFile(ElfFile&&) = delete;
  ElfFile& operator=(ElfFile&&) = delete;
  ~ElfFile() {
    if (bytes_ != nullptr) {
      munmap(const_cast<char*>(bytes_), size_);  // NOLINT(*-const-cast): as munmap has it
    }
  }

  /// `count` of them at `offset`, or none where the file is too short.
  template <typename Value>
  std::span<const Value> at(std::uint64_t offset, std::uint64_t count) const {
    if (bytes_ == nullptr || offset > size_ || count > (size_ - offset) / sizeof(Value)) {
      return {};
    }
    // NOLINTNEXTLINE(*-reinterpret-cast): as the format lies in memory
    return {reinterpret_cast<const Value*>(bytes_ + offset), static_cast<std::size_t>(count)};
  }

 private:
  const char* bytes_{nullptr};
  std::size_t size_{0};
};

std::string demangled(const char* name) {
  struct Free {
    void operator()(char* text) const noexcept { std::free(text); }
  };
  const std::unique_ptr<char, Free> text(abi::__cxa_demangle(name, nullptr, nullptr, nullptr));
  return text ? text.get() : name;
}

}  // namespace

std::string function_in(const std::string& path, std::uint64_t offset) {
  constexpr char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
#ifdef __arm__
  constexpr std::uint64_t kThumb = 1;
#else
  constexpr std::uint64_t kThumb = 0;
#endif
  const ElfFile file(path);
  const auto headers = file.at<ElfW(Ehdr)>(0, 1);
  if (headers.empty() || std::memcmp(&headers[0].e_ident[0], ELFMAG, SELFMAG) != 0 ||
      headers[0].e_ident[EI_CLASS] != kClass) {
    return {};
  }
  std::uint64_t address = 0;
  for (const auto& segment : file.at<ElfW(Phdr)>(headers[0].e_phoff, headers[0].e_phnum)) {
    if (segment.p_type == PT_LOAD && offset >= segment.p_offset &&
        offset - segment.p_offset < segment.p_filesz) {
      address = offset - segment.p_offset + segment.p_vaddr;
    }
  }
  const auto sections = file.at<ElfW(Shdr)>(headers[0].e_shoff, headers[0].e_shnum);
  for (const auto& section : sections) {
    if ((section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) ||
        section.sh_link >= sections.size()) {
      continue;
    }
    const auto& texts = sections[section.sh_link];
    const auto names = file.at<char>(texts.sh_offset, texts.sh_size);
    const std::uint64_t count = section.sh_size / sizeof(ElfW(Sym));
    for (const auto& symbol : file.at<ElfW(Sym)>(section.sh_offset, count)) {
      const std::uint64_t begin = symbol.st_value & ~kThumb;
      const int type = ELF64_ST_TYPE(symbol.st_info);
      if ((type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF &&
          address >= begin && address - begin < symbol.st_size && symbol.st_name < names.size() &&
          names.back() == '\0') {
        return demangled(&names[symbol.st_name]);
      }
    }
  }
  return {};
}

}  // namespace pipelab::attendant

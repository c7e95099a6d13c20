// A backup from anywhere: read, or refused with an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/transit/backup_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using bulla::engine::transit::BackupSource;
  const std::string_view json = bulla::as_text({data, size});
  for (const auto source : {BackupSource::kGuess, BackupSource::kVault}) {
    static_cast<void>(bulla::engine::transit::read_backup(json, source));
  }
  return 0;
}

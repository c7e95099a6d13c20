#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/invocation.h"

namespace bulla::cli {

/// Where a record is: a mount of either version, and the path inside it.
struct KvPlace {
  std::string mount;  ///< With its slash.
  std::string rest;
  bool versioned = false;

  /// The path of a call: that of its `part` ("data", "metadata", …), where
  /// the mount has versions.
  std::string at(std::string_view part) const {
    return versioned ? mount + std::string(part) + "/" + rest : mount + rest;
  }
};

/// The place of a command's first argument: the server knows which mount it is
/// in. Without one `code` is the exit code, and the reason was said.
std::optional<KvPlace> find_kv_place(Invocation& call, int& code);
/// The same, of a mount that keeps versions; `refused` is the exit code of one
/// that does not, which with Vault's own commands is not always the same.
std::optional<KvPlace> find_versioned(Invocation& call, int& code,
                                      int refused = 1);

/// A record's own data in an answer; null where there is none.
const Value* record_data(const KvPlace& place, const ApiAnswer& answer);

/// Says that `answer` to a change of `path` was `done`, or why not.
int finish_kv(Invocation& call, const ApiResult<ApiAnswer>& answer,
              const std::string& path, std::string_view done);

inline constexpr FlagRow kKvMountFlag{
    "mount", "", FlagKind::kText, "PATH",
    "The mount; the path is then the one inside it."};
inline constexpr FlagRow kKvCasFlag{
    "cas", "", FlagKind::kInteger, "N",
    "Only if that is the current version; 0: only if there is none."};

}  // namespace bulla::cli

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/api_client.h"
#include "cli/exported_key.h"
#include "cli/value.h"

namespace bulla::cli {

/// What became of one key, or would.
struct KeyMove {
  enum class State : std::uint8_t { kMoved, kPlanned, kSkipped, kFailed };
  std::string name;
  std::string type;           ///< "" where it could not be read.
  std::int64_t versions = 0;  ///< The latest one's number.
  State state = State::kFailed;
  std::string how;     ///< "backup" or "export"; "" where it stays.
  std::string reason;  ///< Why it stays, or what is left behind.
};

/// Copies transit keys from one server to another, whole: by backup where the
/// source allows it, otherwise by a backup made of what it exports. A key is
/// there whole afterwards, or as before. One thread.
class Migration {
 public:
  struct Options {
    std::string from_mount = "transit";
    std::string mount = "transit";
    bool dry_run = false;  ///< Only reads, and no secrets.
    bool force = false;    ///< Replaces keys that are there.
  };

  /// The clients outlive this.
  Migration(ApiClient& source, ApiClient& target, Options options, Time now)
      : source_(source),
        target_(target),
        options_(std::move(options)),
        now_(now) {}

  /// The names of the source's keys.
  ApiResult<std::vector<std::string>> source_names();
  /// Those of the target; they are left alone unless `force`.
  ApiResult<std::vector<std::string>> target_names();
  /// Copies that key. `exists`: the target has one of that name.
  KeyMove move(const std::string& name, bool exists);

 private:
  struct Plan {
    const TransitType* type = nullptr;
    bool backup = false;
  };
  static ApiResult<std::vector<std::string>> names(ApiClient& client,
                                                   const std::string& mount);
  Result<Value> read_data(ApiClient& client, const std::string& path) const;
  static Result<Plan> plan(const Value& key);
  Result<Value> fetch_backup(const std::string& name, const TransitType& type);
  Result<Value> fetch_export(const Value& key, const TransitType& type,
                             KeyMove& move);
  Result<void> restore(const std::string& name, Value backup);
  Result<void> verify(const std::string& name, const KeyMove& move);
  Result<void> carry_out(const Value& key, const Plan& plan, KeyMove& move);

  ApiClient& source_;
  ApiClient& target_;
  const Options options_;
  const Time now_;
};

}  // namespace bulla::cli

#include "dek/checker.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace bulla::dek {
namespace {

// A cursor is the holder's uuid, this, and the holder's own cursor.
constexpr char kBehindUuid = '/';

// Greater than every cursor of that holder, and less than the next uuid.
std::string behind(const std::string& uuid) {
  return uuid + static_cast<char>(kBehindUuid + 1);
}

// What stands under a DEK that is not there, seals nothing or is another
// scope's.
Result<void> check_deks(const Registry& registry, const std::string& scope,
                        CheckStep& step) {
  const auto found = [&](std::uint64_t count, std::string_view id,
                         std::string_view what) {
    step.problems.push_back(fmt::format("{}: {} records are under DEK {}, {}",
                                        step.holder, count, id, what));
  };
  for (const auto& [id, count] : step.under) {
    const auto info = registry.find(id);
    if (!info && info.error().code() != ErrorCode::kNotFound) {
      return fail(info.error());
    }
    if (!info) {
      found(count, id, "which is not there");
    } else if (info->status == Status::kInactive) {
      found(count, id, "which is inactive");
    } else if (info->scope != scope) {
      found(count, id,
            fmt::format("which is of scope \"{}\", and the mount of \"{}\"",
                        info->scope, scope));
    }
  }
  return {};
}

}  // namespace

Result<CheckStep> check_records(Registry& registry,
                                const RecordHolders& holders,
                                std::string_view cursor, std::size_t limit) {
  if (cursor.empty()) {
    CheckStep step;
    TRY_ASSIGN(step.problems, registry.check());
    step.cursor = holders.from("").uuid;
    return step;
  }
  const std::string_view uuid = cursor.substr(0, cursor.find(kBehindUuid));
  const auto found = holders.from(uuid);
  if (found.holder == nullptr) return CheckStep();
  // Of one that has gone since, nothing holds for the next.
  std::string_view inner;
  if (found.uuid == uuid && cursor.size() > uuid.size()) {
    inner = cursor.substr(uuid.size() + 1);
  }
  TRY_ASSIGN(auto step, found.holder->check(inner, limit));
  if (!step.cursor.empty()) {
    step.cursor = fmt::format("{}{}{}", found.uuid, kBehindUuid, step.cursor);
    return step;
  }
  TRY(check_deks(registry, found.holder->scope(), step));
  step.cursor = holders.from(behind(found.uuid)).uuid;
  return step;
}

}  // namespace bulla::dek

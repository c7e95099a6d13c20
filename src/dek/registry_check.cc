// Registry: whether what is stored is what is in memory.

#include <fmt/format.h>

#include "dek/registry.h"
#include "dek/registry_table.h"

namespace bulla::dek {
namespace {

bool is_finding(const Error& error) {
  return error.code() == ErrorCode::kCorrupt ||
         error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kInvalidArgument;
}

}  // namespace

Result<std::vector<std::string>> Registry::check() {
  const std::lock_guard lock(mutex_);
  TRY(freshen());
  std::vector<std::string> problems;
  const auto stored = read_all();
  if (!stored && !is_finding(stored.error())) return fail(stored.error());
  if (!stored) {
    problems.emplace_back(stored.error().message());
    return problems;
  }
  const auto known = table_.load();
  for (const auto& [id, dek] : known->deks()) {
    const Dek* const found = (*stored)->find(id);
    if (found != nullptr && found->info == dek.info) continue;
    problems.push_back(fmt::format(
        "DEK \"{}\" ({}) is {} in storage; a restart takes what is stored",
        dek.info.name, id, found == nullptr ? "not" : "another one"));
  }
  TRY_ASSIGN(const auto keys, read_ring());
  for (const auto& [id, dek] : (*stored)->deks()) {
    if (known->find(id) == nullptr) {
      problems.push_back(fmt::format(
          "DEK \"{}\" ({}) is in storage and not in use", dek.info.name, id));
    }
    if (keys.ring.find(id) == nullptr) {
      problems.push_back(fmt::format("DEK \"{}\" ({}) has no key in {}",
                                     dek.info.name, id, KeyRing::kPath));
    }
  }
  for (const auto& key : keys.ring.keys) {
    if ((*stored)->find(key.id) != nullptr) continue;
    problems.push_back(
        fmt::format("{} has a key of DEK {}, which has no entry {}",
                    KeyRing::kPath, key.id, DekInfo::path_of(key.id)));
  }
  return problems;
}

}  // namespace bulla::dek

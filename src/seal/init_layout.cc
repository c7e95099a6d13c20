#include "seal/init_layout.h"

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include "seal/quorum.h"

namespace bulla::seal {
namespace {

struct Parameter {
  std::string_view name;
  std::int64_t value;
};

// A zero counts as not sent, as it does for Vault.
Result<void> refuse_foreign(std::initializer_list<Parameter> parameters,
                            std::string_view kind) {
  std::string names;
  for (const Parameter& parameter : parameters) {
    if (parameter.value == 0) continue;
    if (!names.empty()) names += ',';
    names += parameter.name;
  }
  if (names.empty()) return {};
  return fail(invalid_argument(fmt::format(
      "parameters {} not applicable to seal type {}", names, kind)));
}

}  // namespace

Result<InitLayout> check_split(std::int64_t shares, std::int64_t threshold,
                               std::string_view what) {
  const std::string_view wrong = split_fault(shares, threshold);
  if (!wrong.empty()) {
    return fail(invalid_argument(
        fmt::format("invalid {} configuration: {}", what, wrong)));
  }
  return InitLayout{static_cast<std::uint32_t>(shares),
                    static_cast<std::uint32_t>(threshold)};
}

Result<InitLayout> init_layout(const InitParams& params, std::string_view kind,
                               bool automatic) {
  const std::int64_t shares = params.secret_shares.value_or(0);
  const std::int64_t threshold = params.secret_threshold.value_or(0);
  const std::int64_t recovery = params.recovery_shares.value_or(0);
  const std::int64_t quorum = params.recovery_threshold.value_or(0);
  if (!automatic) {
    TRY(refuse_foreign(
        {{"recovery_shares", recovery}, {"recovery_threshold", quorum}}, kind));
    return check_split(shares, threshold, "seal");
  }
  TRY(refuse_foreign(
      {{"secret_shares", shares}, {"secret_threshold", threshold}}, kind));
  if (recovery == 0 && quorum == 0) return InitLayout{};
  return check_split(recovery, quorum, "recovery");
}

}  // namespace bulla::seal

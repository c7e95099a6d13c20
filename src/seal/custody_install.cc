// The install record against the configuration:
// docs/adr/0006-install-record.md.

#include <fmt/format.h>

#include "seal/custody_impl.h"

namespace bulla::seal {
namespace {

std::string listed(const std::vector<std::string>& texts) {
  return texts.empty() ? "shamir" : fmt::format("{}", fmt::join(texts, ", "));
}

std::string stored_text(const SealState& state) {
  std::vector<std::string> texts;
  for (const auto& provider : state.config.providers) {
    texts.push_back(provider_text(provider.id));
  }
  for (const auto& [passkey, version] : state.passkeys) {
    const bool known = std::ranges::find(texts, passkey.kind) != texts.end();
    if (!passkey.automatic() && !known) texts.push_back(passkey.kind);
  }
  return listed(texts);
}

std::string stanza_text(const ProviderId& id) {
  return id.name == id.kind
             ? fmt::format("seal \"{}\"", id.kind)
             : fmt::format("seal \"{}\" with name = \"{}\"", id.kind, id.name);
}

}  // namespace

kek::KekProvider* Custody::Impl::provider(const ProviderId& id) const {
  for (const auto& candidate : providers) {
    if (candidate->kind() == id.kind && candidate->name() == id.name) {
      return candidate.get();
    }
  }
  return nullptr;
}

Result<void> Custody::Impl::check_install(const SealState& state) const {
  const auto refuse = [&](const std::string& what) {
    std::vector<std::string> configured;
    for (const auto& one : providers) {
      configured.push_back(provider_text(id_of(*one)));
    }
    return fail(invalid_argument(fmt::format(
        "this installation is sealed with {}, but the configuration says {}: "
        "{}",
        stored_text(state), listed(configured), what)));
  };
  bool opens = state.has_people();
  for (const auto& recorded : state.config.providers) {
    if (provider(recorded.id) != nullptr) {
      opens = true;
      continue;
    }
    const bool disabled = std::ranges::find(options.disabled, recorded.id) !=
                          options.disabled.end();
    if (disabled) continue;
    return refuse(fmt::format(
        "configure {} again as it was, or use another storage{}",
        stanza_text(recorded.id),
        state.has_people() || state.config.providers.size() > 1
            ? "; if it is gone for good, keep its stanza with disabled = true, "
              "open with another passkey, and delete those under it with "
              "`bulla passkey delete`"
            : ""));
  }
  if (opens) return {};
  return refuse(
      "nothing is left that could open it; enable one of the seals that it is "
      "sealed with");
}

}  // namespace bulla::seal

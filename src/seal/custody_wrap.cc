// The root key in and out of a passkey, whatever its kind.

#include <fmt/format.h>

#include "seal/custody_impl.h"
#include "seal/people_kek.h"

namespace bulla::seal {
namespace {

Error not_configured(const Passkey& passkey) {
  return not_found(fmt::format(
      "seal \"{}\" is not configured (any more): passkey \"{}\" is under it",
      provider_text(passkey.provider_id()), passkey.name));
}

}  // namespace

Result<SecretBytes> Custody::Impl::unwrap_with(kek::KekProvider& wrapper,
                                               const SealConfig& config,
                                               const Passkey& passkey) {
  const auto* recorded = config.find(passkey.provider_id());
  if (recorded != nullptr && recorded->is_removed(passkey.wrapped.version)) {
    return fail(not_found(
        fmt::format("KEK version {} was removed", passkey.wrapped.version)));
  }
  auto root = wrapper.unwrap(passkey.wrapped,
                             passkey_context(config.installation, passkey.id),
                             deadline());
  if (root) return root;
  Error error = std::move(root).error();
  if (error.code() == ErrorCode::kNotFound) {
    error = std::move(error).with_context(fmt::format(
        "the root key is sealed under the key \"{}\" (version {}), which the "
        "configured seal does not have; configure that key again{}",
        passkey.wrapped.key_id, passkey.wrapped.version,
        passkey.kind == "static" ? " (as current_key or previous_key)" : ""));
  }
  return fail(std::move(error).with_context(
      fmt::format("seal \"{}\"", wrapper.name())));
}

Result<SecretBytes> Custody::Impl::open_root(const SealConfig& config,
                                             const Passkey& passkey) {
  const auto unwrap = [&]() -> Result<SecretBytes> {
    if (passkey.automatic()) {
      kek::KekProvider* const wrapper = provider(passkey.provider_id());
      if (wrapper == nullptr) return fail(not_configured(passkey));
      return unwrap_with(*wrapper, config, passkey);
    }
    TRY_ASSIGN(const auto copy, barrier.get(passkey.kek_path()));
    if (!copy) {
      return fail(not_found("no copy of its KEK is kept in the barrier"));
    }
    return unwrap_with_people_kek(
        copy->value, passkey, passkey_context(config.installation, passkey.id));
  };
  TRY_ASSIGN(auto root, unwrap());
  if (constant_time_equal(check_value(root), passkey.check)) return root;
  return fail(corrupt(fmt::format(
      "{}: holds another root key than it was made for", passkey.path())));
}

Result<SecretBytes> Custody::Impl::open_with_passphrase(
    const SealConfig& config, const Passkey& passkey,
    const SecretBytes& passphrase) {
  TRY_ASSIGN(const auto kek, passphrase_kek(passphrase, passkey));
  auto root = unwrap_with_people_kek(
      kek, passkey, passkey_context(config.installation, passkey.id));
  if (root) return root;
  return fail(invalid_argument(fmt::format(
      "the passphrase does not open passkey \"{}\"", passkey.name)));
}

Result<kek::WrappedKey> Custody::Impl::wrap_root(const SealConfig& config,
                                                 const Passkey& passkey,
                                                 const SecretBytes& root) {
  const Bytes context = passkey_context(config.installation, passkey.id);
  if (!passkey.automatic()) {
    TRY_ASSIGN(const auto copy, barrier.get(passkey.kek_path()));
    if (!copy) {
      return fail(not_found("no copy of its KEK is kept in the barrier"));
    }
    return wrap_with_people_kek(copy->value, passkey, root, context, rng);
  }
  kek::KekProvider* const wrapper = provider(passkey.provider_id());
  const auto* recorded = config.find(passkey.provider_id());
  if (wrapper == nullptr || recorded == nullptr) {
    return fail(not_configured(passkey));
  }
  auto wrapped =
      wrapper->wrap(root, context, recorded->write_version(), deadline());
  if (wrapped) return wrapped;
  return fail(std::move(wrapped).error().with_context(
      fmt::format("seal \"{}\"", wrapper->name())));
}

Result<SealConfig::Provider> Custody::Impl::wrap_first(
    kek::KekProvider& wrapper, const SealConfig& config, Passkey& passkey,
    const SecretBytes& root) {
  auto wrapped =
      wrapper.wrap(root, passkey_context(config.installation, passkey.id),
                   wrapper.active_version(), deadline());
  if (!wrapped) {
    return fail(std::move(wrapped).error().with_context(
        fmt::format("seal \"{}\"", wrapper.name())));
  }
  passkey.wrapped = *std::move(wrapped);
  SealConfig::Provider recorded;
  recorded.id = id_of(wrapper);
  recorded.active = passkey.wrapped.version;
  if (recorded.active != 0) return recorded;
  return fail(internal_error(fmt::format(
      "seal \"{}\" does not say which version it used", wrapper.name())));
}

Result<storage::Change> Custody::Impl::kek_copy(const Passkey& passkey,
                                                const SecretBytes& kek) {
  return barrier.seal_change(
      barrier::Change::put(passkey.kek_path(), kek.expose()));
}

}  // namespace bulla::seal

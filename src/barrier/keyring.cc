#include "barrier/keyring.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/wire.h"

namespace bulla::barrier {
namespace {

constexpr std::uint8_t kFormat = 1;

Result<Keyring::Term> parse_term(WireReader& reader, std::uint32_t above) {
  const std::uint32_t term = reader.u32();
  const Time installed = from_unix_nanos(reader.i64());
  const ByteView key = reader.bytes();
  const std::uint64_t bound = reader.u64();
  if (reader.failed()) return fail(corrupt("keyring: truncated"));
  if (term <= above) return fail(corrupt("keyring: terms out of order"));
  if (key.size() != TermKey::kKeyBytes) {
    return fail(corrupt("keyring: a key of a wrong length"));
  }
  return TermKey::create(term, installed, SecretBytes::copy_of(key), bound,
                         bound);
}

}  // namespace

Result<std::shared_ptr<const TermKey>> TermKey::create(std::uint32_t term,
                                                       Time installed,
                                                       SecretBytes key,
                                                       std::uint64_t used,
                                                       std::uint64_t reserved) {
  TRY_ASSIGN(auto aead, crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm,
                                             key.expose()));
  return std::make_shared<const TermKey>(term, installed, std::move(key),
                                         std::move(aead), used, reserved);
}

Result<std::shared_ptr<const Keyring>> Keyring::create(
    const SecretBytes& root_key, std::vector<Term> terms) {
  BULLA_ASSERT(!terms.empty());
  if (root_key.size() != kRootKeyBytes) {
    return fail(invalid_argument(fmt::format("a root key of {} bytes, not {}",
                                             root_key.size(), kRootKeyBytes)));
  }
  TRY_ASSIGN(auto aead, crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm,
                                             root_key.expose()));
  return std::make_shared<const Keyring>(root_key.clone(), std::move(aead),
                                         std::move(terms));
}

Result<std::vector<Keyring::Term>> Keyring::parse(ByteView record) {
  WireReader reader(record);
  if (const std::uint8_t format = reader.u8(); format != kFormat) {
    return fail(corrupt(fmt::format("keyring: unknown format {}", format)));
  }
  const std::uint32_t count = reader.u32();
  if (reader.failed() || count == 0 || count > kTermsMax) {
    return fail(corrupt("keyring: an impossible number of terms"));
  }
  std::vector<Term> terms;
  for (std::uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(auto term,
               parse_term(reader, terms.empty() ? 0 : terms.back()->term()));
    terms.push_back(std::move(term));
  }
  TRY(reader.finish("keyring"));
  return terms;
}

SecretBytes Keyring::serialise(const std::vector<Term>& terms) {
  std::vector<std::uint64_t> bounds;
  for (const Term& term : terms) bounds.push_back(term->reserved());
  return serialise(terms, bounds);
}

SecretBytes Keyring::serialise(const std::vector<Term>& terms,
                               const std::vector<std::uint64_t>& bounds) {
  BULLA_ASSERT(bounds.size() == terms.size());
  WireWriter writer;
  writer.u8(kFormat).u32(static_cast<std::uint32_t>(terms.size()));
  for (std::size_t i = 0; i < terms.size(); ++i) {
    writer.u32(terms[i]->term())
        .i64(unix_nanos(terms[i]->installed()))
        .bytes(terms[i]->key().expose())
        .u64(bounds[i]);
  }
  return std::move(writer).finish();
}

std::vector<std::uint64_t> Keyring::next_bounds() const {
  std::vector<std::uint64_t> bounds;
  for (const Term& term : terms_) {
    const std::uint64_t used = term->used();
    const bool over = used > term->reserved();
    bounds.push_back(over ? used + kReserveAhead : term->reserved());
  }
  return bounds;
}

void Keyring::set_bounds(const std::vector<std::uint64_t>& bounds) const {
  BULLA_ASSERT(bounds.size() == terms_.size());
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    terms_[i]->set_reserved(bounds[i]);
  }
}

const TermKey* Keyring::find(std::uint32_t term) const {
  if (active().term() == term) return terms_.back().get();
  const auto found = std::lower_bound(
      terms_.begin(), terms_.end(), term,
      [](const Term& a, std::uint32_t b) { return a->term() < b; });
  if (found == terms_.end() || (*found)->term() != term) return nullptr;
  return found->get();
}

Result<std::vector<Keyring::Term>> merge_terms(
    std::vector<Keyring::Term> stored, const std::vector<Keyring::Term>& live) {
  auto at = stored.begin();
  for (const Keyring::Term& term : live) {
    at = std::find_if(at, stored.end(), [&](const Keyring::Term& candidate) {
      return candidate->term() == term->term();
    });
    if (at == stored.end() || !((*at)->key() == term->key())) {
      return fail(corrupt(fmt::format(
          "the stored keyring has lost term {}: an older or foreign one was "
          "put in its place",
          term->term())));
    }
    *at = term;
  }
  return stored;
}

}  // namespace bulla::barrier

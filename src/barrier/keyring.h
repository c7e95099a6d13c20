#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/aead.h"

namespace bulla::barrier {

/// One term: a data key, ready to use, with its count of encryptions. Shared by
/// every keyring that holds the term, so that counts survive a rotation.
class TermKey {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  /// `reserved`: the stored upper bound of encryptions; counting goes on from
  /// `used`.
  ///   kInvalidArgument  the key is not kKeyBytes long.
  static Result<std::shared_ptr<const TermKey>> create(std::uint32_t term,
                                                       Time installed,
                                                       SecretBytes key,
                                                       std::uint64_t used,
                                                       std::uint64_t reserved);

  std::uint32_t term() const { return term_; }
  Time installed() const { return installed_; }
  const SecretBytes& key() const { return key_; }
  const crypto::Aead& aead() const { return aead_; }

  /// Encryptions so far: exact in this process, never below the truth.
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t reserved() const {
    return reserved_.load(std::memory_order_relaxed);
  }
  bool over_reserved() const { return used() > reserved(); }
  void count(std::uint64_t encryptions) const {
    used_.fetch_add(encryptions, std::memory_order_relaxed);
  }
  void set_reserved(std::uint64_t bound) const {
    reserved_.store(bound, std::memory_order_relaxed);
  }

  TermKey(std::uint32_t term, Time installed, SecretBytes key,
          crypto::Aead aead, std::uint64_t used, std::uint64_t reserved)
      : term_(term),
        installed_(installed),
        key_(std::move(key)),
        aead_(std::move(aead)),
        used_(used),
        reserved_(reserved) {}

 private:
  std::uint32_t term_;
  Time installed_;
  SecretBytes key_;
  crypto::Aead aead_;
  mutable std::atomic<std::uint64_t> used_;
  mutable std::atomic<std::uint64_t> reserved_;
};

/// The barrier's keys: the root key and terms in ascending order, never empty,
/// the last one active. Immutable but for the counts. Any thread.
///
/// The record (docs/formats/keyring.md) holds for each term an upper bound of
/// its encryptions, reserved ahead, so that a crash can only count too many.
class Keyring {
 public:
  using Term = std::shared_ptr<const TermKey>;

  static constexpr std::size_t kRootKeyBytes = 32;
  static constexpr std::size_t kTermsMax = 16384;
  /// How far a bound is set ahead of the count: so many encryptions a restart
  /// seems to have made, and so many cost one more commit.
  static constexpr std::uint64_t kReserveAhead = std::uint64_t{1} << 14;

  /// `terms` ascending and not empty.
  ///   kInvalidArgument  the root key is not kRootKeyBytes long.
  static Result<std::shared_ptr<const Keyring>> create(
      const SecretBytes& root_key, std::vector<Term> terms);

  /// Reads the record; its bytes are hostile. Counts start at their bounds.
  ///   kCorrupt  not a record that serialise() would have written.
  static Result<std::vector<Term>> parse(ByteView record);
  /// The record, with each term's present bound; what parses serialises to the
  /// same bytes.
  static SecretBytes serialise(const std::vector<Term>& terms);
  /// The record with `bounds` in place of the terms' own.
  static SecretBytes serialise(const std::vector<Term>& terms,
                               const std::vector<std::uint64_t>& bounds);

  /// The bounds to store next: as they are, and kReserveAhead past the count
  /// where the count has passed them.
  std::vector<std::uint64_t> next_bounds() const;
  /// After the record with `bounds` was stored.
  void set_bounds(const std::vector<std::uint64_t>& bounds) const;

  const TermKey& active() const { return *terms_.back(); }
  /// The term's key, or null.
  const TermKey* find(std::uint32_t term) const;
  const std::vector<Term>& terms() const { return terms_; }
  const SecretBytes& root_key() const { return root_key_; }
  const crypto::Aead& root_aead() const { return root_aead_; }

  Keyring(SecretBytes root_key, crypto::Aead root_aead, std::vector<Term> terms)
      : root_key_(std::move(root_key)),
        root_aead_(std::move(root_aead)),
        terms_(std::move(terms)) {}

 private:
  SecretBytes root_key_;
  crypto::Aead root_aead_;
  std::vector<Term> terms_;
};

/// What a stored keyring's terms are to a process that holds `live` ones: the
/// live objects where both have a term, so that counts go on; new terms as
/// stored.
///   kCorrupt  a live term is missing or has another key: an older or foreign
///             keyring was put in place.
Result<std::vector<Keyring::Term>> merge_terms(
    std::vector<Keyring::Term> stored, const std::vector<Keyring::Term>& live);

}  // namespace bulla::barrier

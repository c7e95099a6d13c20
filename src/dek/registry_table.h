#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "dek/registry.h"

namespace bulla::dek {

struct Registry::Count {
  Count(std::uint64_t ceiling, std::uint64_t first_step)
      : value(ceiling), stored(ceiling), step(first_step) {}

  EncryptionCount value;
  // Under the registry's mutex.
  std::uint64_t stored;  ///< The ceiling in storage.
  std::uint64_t step;    ///< Of the next reservation.
};

/// A DEK in memory. Copies share the key and the count.
struct Registry::Dek {
  DekInfo info;
  std::shared_ptr<const crypto::Aead> aead;  ///< Null: inactive.
  std::shared_ptr<Count> count;
};

/// All DEKs at one moment. Immutable.
class Registry::Table {
 public:
  using Deks = std::map<std::string, Dek, std::less<>>;  // by id

  explicit Table(Deks deks) : deks_(std::move(deks)) {
    for (const auto& [id, dek] : deks_) {
      if (dek.info.status == Status::kActive) {
        active_.emplace(dek.info.scope, &dek);
      }
    }
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const Deks& deks() const { return deks_; }
  /// Null when there is none.
  const Dek* find(std::string_view id) const {
    const auto found = deks_.find(id);
    return found == deks_.end() ? nullptr : &found->second;
  }
  const Dek* active(std::string_view scope) const {
    const auto found = active_.find(scope);
    return found == active_.end() ? nullptr : found->second;
  }

 private:
  Deks deks_;
  std::map<std::string_view, const Dek*> active_;  // by scope
};

/// The keys as they are stored.
struct Registry::StoredRing {
  KeyRing ring;
  std::uint64_t version = storage::Change::kAbsent;
};

/// The keys as they are to be stored, expecting that version, and the new one.
struct Registry::Sealed {
  Bytes keys;
  std::uint64_t version = storage::Change::kAbsent;
  std::shared_ptr<const crypto::Aead> aead;
};

}  // namespace bulla::dek
